import type { Language } from '../languages';
import type { StepCode, StepTexts } from './step-codes';
import { stepsDe } from './steps-de';
import { stepsEn } from './steps-en';
import { stepsNl } from './steps-nl';
import { stepsRo } from './steps-ro';

/** What to do, for a person, by language. */
export const stepTexts: Readonly<Record<Language, StepTexts>> = { en: stepsEn, de: stepsDe, nl: stepsNl, ro: stepsRo };

/** What to do where the server was found but belongs to no provider that is known. */
export const stepsForFoundServer: readonly StepCode[] = ['confirm-server', 'mailbox-password'];

/** What to do where no server was found. */
export const stepsForUnknownServer: readonly StepCode[] = ['give-server', 'mailbox-password'];
