// @ts-check
import { correspondent, customers, demoDomain, helpers, mara, zurichFolder } from './company.mjs';
import { diceOf } from './dice.mjs';
import { enclosureOf } from './enclosed.mjs';
import { logo } from './enclosures.mjs';
import { escapeHtml, htmlOf, inThread } from './letter.mjs';
import { lettersIn, written } from './letters.mjs';
import { shelf } from './shelf.mjs';
import { atWork, dayMs, workingDay } from './working-days.mjs';

/** @typedef {import('./company.mjs').Customer} Customer */
/** @typedef {import('./company.mjs').Person} Person */
/** @typedef {import('./letter.mjs').Letter} Letter */
/** @typedef {import('./conversation.mjs').Conversation} Conversation */
/** @typedef {{letter: Letter, folder: import('./letter.mjs').Folder, kinds: string[], writer: Person, language: import('./company.mjs').Language}} Planned */

/** Who reads along in one conversation of one customer. @type {Record<string, {name: string, address: string}[]>} */
const readers = {
  'sonnenhof/inquiry': [{ name: 'Projekt Standort West', address: 'standort-west@klinikum-sonnenhof.example' }],
  'sonnenhof/project': [{ name: 'Projekt Standort West', address: 'standort-west@klinikum-sonnenhof.example' }],
  'bakker/project': [{ name: 'Project 1001', address: 'project1001@bakkerkoelhuizen.example' }],
  'bakker/inquiry': [{ name: 'Henk Willems', address: 'henk@willems-advice.example' }],
  'vandermeer/renewal': [{ name: 'Henk Willems', address: 'henk@willems-advice.example' }],
  'finch/inquiry': [{ name: 'Henk Willems', address: 'henk@willems-advice.example' }],
  'corrib/alarm': [{ name: 'Night Shift', address: 'nightshift@corribseafoods.example' }],
};

/** @type {import('./enclosed.mjs').Enclosed} */
const nothing = { kinds: [], attachments: [] };

/**
 * All conversations of two years up to `end`: each customer has each at most once, spread evenly; those still going on at the end stay open.
 * @param {string} seed @param {Date} end
 * @returns {Planned[]}
 */
export function conversationsUntil(seed, end) {
  return customers.flatMap((customer, position) => {
    const dice = diceOf(`${seed}/${customer.key}`);
    const chosen = dice.shuffle(lettersIn[customer.language].conversations).slice(0, 11);
    const newest = 2 + position * 2;
    const apart = (722 - newest) / (chosen.length - 1);
    return chosen.flatMap((conversation, index) => {
      const regular = newest + (chosen.length - 1 - index) * apart;
      const daysAgo = Math.round(index === chosen.length - 1 ? newest : regular + dice.between(-20, 7));
      return conversationOf({ customer, conversation, seed, start: new Date(end.getTime() - daysAgo * dayMs), end });
    });
  });
}

/** @typedef {{customer: Customer, conversation: Conversation, seed: string, start: Date, end: Date}} Plan */
/** @typedef {Plan & {dice: import('./dice.mjs').Dice, contact: Person, facts: Record<string, string>, subject: string}} Course */

/** @param {Plan} plan @returns {Planned[]} */
function conversationOf(plan) {
  const { customer, conversation, seed, start, end } = plan;
  const dice = diceOf(`${seed}/${customer.key}/${conversation.key}`);
  const contact = contactFor(customer, conversation.key, dice);
  const facts = factsOf(customer, contact, start, dice);
  const course = { ...plan, dice, contact, facts, subject: '' };
  course.subject = said(course, conversation.subject, start).replace(/^./u, (first) => first.toUpperCase());
  /** @type {Planned[]} */
  const planned = [];
  for (const step of conversation.steps) {
    const earliest = planned.at(-1)?.letter.date ?? start;
    const date = atWork(new Date(start.getTime() + step.afterDays * dayMs), earliest, dice);
    if (date >= end) break;
    planned.push(letterOf(course, step, { date, before: planned }));
  }
  return planned;
}

/** @param {Course} course @param {import('./conversation.mjs').Step} step @param {{date: Date, before: Planned[]}} moment @returns {Planned} */
function letterOf(course, step, { date, before }) {
  const { customer, conversation, dice, contact, facts, subject } = course;
  const mine = step.who === 'us';
  const previous = before.at(-1);
  const writer = mine ? mara : contact;
  const from = correspondent(writer, !mine && dice.between(1, 8) === 1 ? 1 : 0);
  const letter = dressed({ writer, body: bodyOf(course, step, date), previous, letters: lettersIn[customer.language] });
  const about = { customer, facts, dice, date, contact, subject };
  const enclosed = step.enclosure === null ? nothing : enclosureOf(step.enclosure, about);
  return {
    writer,
    language: customer.language,
    folder: mine ? 'Sent' : folderOf(customer, date, course.end),
    kinds: [...kindsOf(letter, previous), ...enclosed.kinds],
    letter: {
      ...letter,
      ...inThread(previous?.letter, subject, !mine && customer.language === 'de' ? 'AW: ' : 'Re: '),
      from,
      to: [mine ? heardFrom(contact, before) : correspondent(mara)],
      cc: readersOf(customer, conversation.key),
      date,
      messageId: messageIdOf(from.address, dice),
      headers: programHeaders(writer, subject),
      attachments: [...(letter.attachments ?? []), ...enclosed.attachments],
      calendar: enclosed.calendar,
    },
  };
}

/** What costs money is read at the company's own address as well. @param {Customer} customer @param {string} key */
function readersOf({ key: company, name, domain }, key) {
  const office = ['inquiry', 'renewal', 'delivery', 'project'].includes(key)
    ? [{ name, address: `info@${domain}` }]
    : [];
  return [...(readers[`${company}/${key}`] ?? []), ...office];
}

/** The address they wrote from last. @param {Person} contact @param {Planned[]} before */
function heardFrom(contact, before) {
  return before.findLast(({ writer }) => writer === contact)?.letter.from ?? correspondent(contact);
}

/** Greeting, words and closing; people keep to their own way of greeting. @param {Course} course @param {import('./conversation.mjs').Step} step @param {Date} date */
function bodyOf(course, step, date) {
  const letters = lettersIn[course.customer.language];
  const [writer, receiver] = step.who === 'us' ? [mara, course.contact] : [course.contact, mara];
  const habit = diceOf(`${course.seed}/${writer.key}/${receiver.key}`);
  const own = (/** @type {string} */ words) => written(words, {}, habit, () => '');
  return [own(letters.greeting(receiver)), said(course, step.text, date), own(letters.closing)].join('\n\n');
}

/** @param {Pick<Letter, 'html' | 'flowed'>} letter @param {Planned | undefined} previous */
function kindsOf({ html, flowed }, previous) {
  return [
    previous === undefined ? 'letter' : 'reply',
    ...(flowed === true ? ['format-flowed'] : []),
    ...(html?.includes('cid:') === true ? ['inline-image'] : []),
  ];
}

const clerks = /account|buchhaltung|administratie|contabil|einkauf|achizi/i;
/** @type {Record<string, RegExp>} */
const rolesFor = {
  invoice: clerks,
  audit: /quali|kwali|calit|apothek|technical/i,
  calibration: /quali|kwali|calit|apothek|technical|technik|brau/i,
  gateway: /warehouse|maintenance|technik|technische|betrieb|logistiek|depozit|tură|operations|brau/i,
};

/** Clerks write about invoices, the others about the rest. @param {Customer} customer @param {string} key @param {import('./dice.mjs').Dice} dice @returns {Person} */
function contactFor(customer, key, dice) {
  const fitting = customer.people.filter(({ role }) => rolesFor[key]?.test(role) ?? !clerks.test(role));
  return dice.pick(fitting.length > 0 ? fitting : customer.people);
}

/**
 * What the letters of one conversation speak of.
 * @param {Customer} customer @param {Person} contact @param {Date} start @param {import('./dice.mjs').Dice} dice
 * @returns {Record<string, string>}
 */
function factsOf(customer, contact, start, dice) {
  const letters = lettersIn[customer.language];
  const others = customer.people.filter((person) => person !== contact);
  const other = dice.pick(others.length > 0 ? others : [contact]);
  const year = String(start.getUTCFullYear());
  const degrees = (/** @type {number} */ value) =>
    `${new Intl.NumberFormat(letters.locale, { minimumFractionDigits: 1 }).format(value)} °C`;
  const money = new Intl.NumberFormat(letters.locale, { style: 'currency', currency: customer.currency });
  return {
    n: String(dice.between(4, 18)),
    product: dice.pick(letters.products),
    amount: money.format(dice.between(14, 260) * 45 + 0.5 * dice.between(0, 1)).replace(/\u00a0|\u202f/g, ' '),
    extra: money.format(dice.between(38, 84) * 5).replace(/\u00a0|\u202f/g, ' '),
    offer: `A-${year.slice(2)}-0${dice.between(110, 989)}`,
    invoice: `R-${year.slice(2)}-0${dice.between(110, 989)}`,
    po: `45${String(dice.between(0, 999_999)).padStart(6, '0')}`,
    serial: `NX4-00${dice.between(1_100, 9_890)}`,
    site: customer.site,
    t: degrees(customer.limit),
    t2: degrees(customer.limit + dice.between(28, 69) / 10),
    time: `0${dice.between(1, 4)}:${dice.between(10, 58)}`,
    percent: String(dice.between(3, 6)),
    year,
    month: new Intl.DateTimeFormat(letters.locale, { month: 'long', timeZone: 'UTC' }).format(
      new Date(start.getTime() + 62 * dayMs),
    ),
    colleague: helpers[customer.language].first,
    other: customer.language === 'de' || customer.language === 'ro' ? `${other.first} ${other.last}` : other.first,
  };
}

/** Words of a conversation with its facts and, where they speak of days, the date. @param {Course} course @param {string} text @param {Date} date */
function said({ customer, facts, dice }, text, date) {
  const { locale } = lettersIn[customer.language];
  const day = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', timeZone: 'UTC' });
  return written(text, facts, dice, (days) =>
    day.format(workingDay(new Date(date.getTime() + days * dayMs), Math.sign(days))),
  );
}

/**
 * The words as the writer's mail program sends them: with signature, what is answered below, plain, flowed or with HTML.
 * @param {{writer: Person, body: string, previous: Planned | undefined, letters: import('./letters.mjs').Letters}} draft
 * @returns {Pick<Letter, 'text' | 'html' | 'flowed' | 'attachments'>}
 */
function dressed({ writer, body, previous, letters }) {
  const own = `${body}\n${signature(writer)}`;
  const quote = previous === undefined ? null : quoteOf(previous, letters);
  const text =
    quote === null ? own : `${own}\n\n${quote.title}\n${quote.lines.map((line) => `> ${line}`.trimEnd()).join('\n')}`;
  if (writer.program === 'thunderbird') return { text, flowed: true };
  if (writer.program === 'apple' && writer !== mara) return { text };
  const below =
    quote === null
      ? ''
      : `<div><p>${escapeHtml(quote.title)}</p><blockquote type="cite">${htmlOf(quote.lines.join('\n'))}</blockquote></div>`;
  const signed =
    writer === mara
      ? '<p><img src="cid:nordlicht-logo@nordlicht.example" alt="Nordlicht" width="96" height="24"></p>'
      : '';
  const attachments =
    writer === mara
      ? [
          {
            filename: 'nordlicht.png',
            content: logo(),
            cid: 'nordlicht-logo@nordlicht.example',
            contentType: 'image/png',
          },
        ]
      : [];
  return {
    text,
    html: `<html><body style="font-family:Calibri,sans-serif">${htmlOf(own)}${signed}${below}</body></html>`,
    attachments,
  };
}

/** @param {Person} writer */
function signature(writer) {
  const lines = [`${writer.first} ${writer.last}`, writer.role, writer.firm];
  if (writer.domain === demoDomain) lines.push('+49 30 23125 014 · www.nordlicht.example');
  return lines.join('\n');
}

/** @param {Planned} previous @param {import('./letters.mjs').Letters} letters */
function quoteOf({ letter, writer }, letters) {
  const date = new Intl.DateTimeFormat(letters.locale, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  }).format(letter.date);
  const lines = letter.text
    .split('\n')
    .slice(0, 24)
    .map((line) => line.replace(/\s+$/, ''));
  return { title: letters.quoted(date.replace(/\u202f/g, ' '), `${writer.first} ${writer.last}`), lines };
}

/** @param {Person} writer @param {string} topic @returns {Record<string, string>} */
function programHeaders(writer, topic) {
  if (writer.program === 'outlook')
    return { 'X-Mailer': 'Microsoft Outlook 16.0', 'Thread-Topic': topic, 'Content-Language': 'en-GB' };
  if (writer.program === 'thunderbird') return { 'User-Agent': 'Mozilla Thunderbird' };
  if (writer.program === 'webmail') return { 'User-Agent': 'Roundcube Webmail/1.6.9' };
  return { 'X-Mailer': 'Apple Mail (2.3826.300.87)' };
}

/** @param {string} address @param {import('./dice.mjs').Dice} dice */
export function messageIdOf(address, dice) {
  const domain = new URL(`http://${address.slice(address.lastIndexOf('@') + 1)}`).hostname;
  return `<${dice.hex(8)}-${dice.hex(4)}-${dice.hex(4)}-${dice.hex(12)}@${domain}>`;
}

/** Old mail is in the archive, a customer in Zürich has a folder of its own. @param {Customer} customer @param {Date} date @param {Date} end @returns {import('./letter.mjs').Folder} */
function folderOf(customer, date, end) {
  if (customer.key === 'alpstein') return zurichFolder;
  return shelf(date, end);
}
