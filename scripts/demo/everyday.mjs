// @ts-check
import { correspondent, demoDomain, ioana, jonas, mara } from './company.mjs';
import { messageIdOf } from './conversations.mjs';
import { diceOf } from './dice.mjs';
import { absences, acceptances, junk, newsletters, portalAlarms } from './everyday-words.mjs';
import { bytesOf, escapeHtml, htmlOf, inThread } from './letter.mjs';
import { lettersIn, written } from './letters.mjs';
import { shelf } from './shelf.mjs';
import { atWork, dayMs } from './working-days.mjs';

/** @typedef {import('./letter.mjs').Letter} Letter */
/** @typedef {import('./letter.mjs').Folder} Folder */
/** @typedef {{letter: Letter, folder: Folder, kinds: string[]}} Planned */
/** @typedef {ReturnType<typeof import('./conversations.mjs').conversationsUntil>[number]} Spoken */

const me = correspondent(mara);

/** @param {string} seed @param {Date} end @returns {Planned[]} */
export function newslettersUntil(seed, end) {
  return newsletters.flatMap((paper) => {
    const dice = diceOf(`${seed}/${paper.list}`);
    const count = Math.floor(725 / paper.everyDays);
    return Array.from({ length: count }, (_, index) => {
      const date = atWork(new Date(end.getTime() - (count - index) * paper.everyDays * dayMs), new Date(0), dice);
      const topics = dice.shuffle(paper.topics).slice(0, 3);
      const domain = paper.address.split('@')[1];
      const stop = `https://${domain}/stop?${dice.hex(12)}`;
      const items = topics.map(
        ([title = '', words = '']) =>
          `<h2>${escapeHtml(title)}</h2><p>${escapeHtml(words)} <a href="https://${domain}/${dice.hex(6)}">»</a></p>`,
      );
      /** @type {Letter} */
      const letter = {
        from: { name: paper.name, address: paper.address },
        to: [me],
        subject: `${paper.title} ${index + 1}: ${topics[0]?.[0]}`,
        date,
        messageId: messageIdOf(paper.address, dice),
        text: [paper.intro, ...topics.map(([title, words]) => `${title}\n${words}`), `${paper.stop}: ${stop}`].join(
          '\n\n',
        ),
        html: `<html><body><p>${escapeHtml(paper.intro)}</p>${items.join('\n')}<p><a href="${stop}">${paper.stop}</a><img src="https://${domain}/open/${dice.hex(10)}.gif" width="1" height="1" alt=""></p></body></html>`,
        headers: {
          'List-Id': `${paper.name.normalize('NFD').replace(/[^ -~]/g, '')} <${paper.list}.${domain}>`,
          'List-Unsubscribe': `<${stop}>, <mailto:stop@${domain}>`,
          'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
          Precedence: 'bulk',
        },
      };
      return { letter, folder: index % 4 === 1 ? 'Trash' : shelf(date, end), kinds: ['newsletter'] };
    });
  });
}

/** What a spoken letter brings with it: absences, accepted appointments. @param {string} seed @param {Date} end @param {Spoken[]} spoken @returns {Planned[]} */
export function answersByMachine(seed, end, spoken) {
  const dice = diceOf(`${seed}/machines`);
  return spoken
    .filter(({ folder }) => folder === 'Sent')
    .flatMap((sent, index) => {
      if (sent.kinds.includes('invitation')) return [acceptance(sent, dice, end)];
      return index % 21 === 7 ? [absence(sent, dice, end)] : [];
    })
    .filter(({ letter }) => letter.date < end);
}

/** @param {Spoken} sent @param {import('./dice.mjs').Dice} dice @param {Date} end @returns {Planned} */
function absence({ letter, language }, dice, end) {
  const { subject, text } = absences[language];
  const [from = me] = letter.to;
  const date = new Date(letter.date.getTime() + dice.between(20, 90) * 1_000);
  const day = new Intl.DateTimeFormat(lettersIn[language].locale, { day: 'numeric', month: 'long', timeZone: 'UTC' });
  const greeting = written(lettersIn[language].greeting(mara), {}, dice, () => '');
  const words = text.replace('{date+9}', day.format(new Date(date.getTime() + 9 * dayMs)));
  return {
    folder: shelf(date, end),
    kinds: ['out-of-office'],
    letter: {
      from,
      to: [me],
      ...inThread(letter, letter.subject, `${subject} `),
      date,
      messageId: messageIdOf(from.address, dice),
      text: `${greeting}\n\n${words}\n\n${from.name}`,
      headers: { 'Auto-Submitted': 'auto-replied', 'X-Auto-Response-Suppress': 'All', Precedence: 'bulk' },
    },
  };
}

/** @param {Spoken} sent @param {import('./dice.mjs').Dice} dice @param {Date} end @returns {Planned} */
function acceptance({ letter, language }, dice, end) {
  const [from = me] = letter.to;
  const date = new Date(letter.date.getTime() + dice.between(9, 150) * 60_000);
  const title = letter.subject.replace(/^(Re|AW): /, '');
  const content = (letter.calendar?.content ?? '')
    .replace('METHOD:REQUEST', 'METHOD:REPLY')
    .replace(/^ATTENDEE.*\r\n/gm, '')
    .replace('SEQUENCE:0', `ATTENDEE;PARTSTAT=ACCEPTED:mailto:${from.address}\r\nSEQUENCE:0`);
  return {
    folder: shelf(date, end),
    kinds: ['invitation-reply'],
    letter: {
      from,
      to: [me],
      ...inThread(letter, title, `${acceptances[language]} `),
      date,
      messageId: messageIdOf(from.address, dice),
      text: '',
      calendar: { method: 'REPLY', content },
    },
  };
}

/** Letters handed on: inline to a colleague, as a file to another, and by customers to Mara. @param {string} seed @param {Date} end @param {Spoken[]} spoken @returns {Promise<Planned[]>} */
export async function forwardsOf(seed, end, spoken) {
  const dice = diceOf(`${seed}/forwards`);
  const incoming = spoken.filter(
    ({ folder, letter }) => folder !== 'Sent' && letter.date.getTime() < end.getTime() - dayMs,
  );
  const chosen = incoming.filter((_, index) => index % 13 === 4);
  return Promise.all(
    chosen.map(async ({ letter, writer, language }, index) => {
      const asFile = index % 3 === 1;
      const toMe = index % 3 === 2;
      const words = {
        en: 'for your information, see below.',
        de: 'zur Kenntnis, siehe unten.',
        nl: 'ter informatie, zie hieronder.',
        ro: 'spre informare, vedeți mai jos.',
      };
      const { forwarded } = lettersIn[language];
      const third = { name: writer.firm, address: `info@${writer.domain}` };
      const from = toMe ? third : me;
      const to = toMe ? me : correspondent(index % 2 === 0 ? jonas : ioana);
      const date = new Date(letter.date.getTime() + dice.between(12, 200) * 60_000);
      const head = [
        `${forwarded.from}: ${letter.from.name} <${letter.from.address}>`,
        `${forwarded.date}: ${letter.date.toUTCString()}`,
        `${forwarded.subject}: ${letter.subject}`,
        `${forwarded.to}: ${me.name} <${me.address}>`,
      ];
      const text = asFile
        ? `${to.name.split(' ')[0]}, ${words[language]}`
        : [`${to.name.split(' ')[0]}, ${words[language]}`, [forwarded.title, ...head].join('\n'), letter.text].join(
            '\n\n',
          );
      /** @type {Planned} */
      const planned = {
        folder: toMe ? shelf(date, end) : 'Sent',
        kinds: [asFile ? 'forward-attached' : 'forward-inline'],
        letter: {
          from,
          to: [to],
          subject: `${language === 'de' ? 'WG' : 'Fwd'}: ${letter.subject}`,
          date,
          messageId: messageIdOf(from.address, dice),
          ...(toMe ? {} : { references: [...(letter.references ?? []), letter.messageId] }),
          text,
          ...(asFile ? {} : { html: `<html><body>${htmlOf(text)}</body></html>` }),
          attachments: asFile
            ? [{ filename: 'original.eml', content: await bytesOf(letter), contentType: 'message/rfc822' }]
            : [],
        },
      };
      return planned;
    }),
  );
}

/** Junk is the folder that is filled last: with all of these there, the mailbox is complete. */
export const junkLetters = 16;

/** Notices of the own portal, and what belongs into Junk and Trash. @param {string} seed @param {Date} end @returns {Planned[]} */
export function noiseUntil(seed, end) {
  const dice = diceOf(`${seed}/noise`);
  /** @param {string} address @param {number} daysAgo */
  const common = (address, daysAgo) => ({
    to: [me],
    date: atWork(new Date(end.getTime() - daysAgo * dayMs), new Date(0), dice),
    messageId: messageIdOf(address, dice),
  });
  const notices = Array.from({ length: 10 }, (_, index) => {
    const from = { name: 'Nordlicht Portal', address: `noreply@portal.${demoDomain}` };
    const notice = dice.pick(portalAlarms);
    const subject = `[Portal] ${notice}: NX4-00${dice.between(1_100, 9_890)}`;
    const letter = {
      ...common(from.address, 40 + index * 66),
      from,
      subject,
      text: `${notice}.\n\nThis message was sent by a machine. Open the portal to acknowledge it.`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    };
    return { letter, folder: /** @type {Folder} */ (index < 3 ? 'INBOX' : 'Trash'), kinds: ['auto-generated'] };
  });
  const unwanted = Array.from({ length: junkLetters }, (_, index) => {
    const [name = '', address = '', subject = '', text = ''] = junk[index % junk.length] ?? [];
    const letter = {
      ...common(address, 9 + index * 43),
      from: { name, address },
      subject,
      text,
      html: `<html><body>${htmlOf(text)}</body></html>`,
      headers: { 'X-Spam-Flag': 'YES', 'X-Spam-Score': (6 + dice.roll() * 9).toFixed(1) },
    };
    return { letter, folder: /** @type {Folder} */ ('Junk'), kinds: ['spam'] };
  });
  return [...notices, ...unwanted];
}
