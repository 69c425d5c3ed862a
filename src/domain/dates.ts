const dayMs = 86_400_000;
const maxDateCharacters = 200;

/**
 * The instant where a message stands in a timeline: its Date header, unless that is more than 24 hours from INTERNALDATE, which then wins,
 * so that a Date of 2099 does not stay on top. Null where neither is known.
 */
export function sortAt(sentAt: Date | null, internalDate: Date | null): Date | null {
  if (sentAt === null || internalDate === null) return sentAt ?? internalDate;
  return Math.abs(sentAt.getTime() - internalDate.getTime()) > dayMs ? internalDate : sentAt;
}

/**
 * Reads a Date header: RFC 5322 3.3 with its obsolete forms (4.3), and of what is in use beside it, asctime and ISO 8601. Null for all else,
 * also for days and months in other languages: a date is never guessed.
 */
export function parseDateHeader(value: string): Date | null {
  const text = withoutComments(value.slice(0, maxDateCharacters)).replace(/\s+/g, ' ').trim();
  return rfc5322Date(text) ?? asctimeDate(text) ?? iso8601Date(text);
}

interface DateFields {
  year: string | undefined;
  /** 0 to 11, negative where the name is not known. */
  month: number;
  day: string | undefined;
  hour: string | undefined;
  minute: string | undefined;
  second: string | undefined;
  zone: string | undefined;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

function rfc5322Date(text: string): Date | null {
  const match =
    /^(?:[^\d,]{1,30},? ?)?0?(\d{1,2})[ -]([a-z]{3,9})\.?,?[ -](\d{2,4}),? (\d{1,2}) ?: ?(\d{2})(?: ?: ?(\d{2})(?:\.\d+)?)?(?: ?([a-z+-].*))?$/i.exec(
      text,
    );
  if (!match) return null;
  const [, day, month, year, hour, minute, second, zone] = match;
  return instantOf({ year, month: monthOf(month), day, hour, minute, second, zone });
}

/** `Fri Nov 21 09:55:06 1997`, as ctime(3) writes it, with the zone before or after the year. */
function asctimeDate(text: string): Date | null {
  const match =
    /^[a-z]{3,9},? ([a-z]{3,9}) (\d{1,2}) (\d{1,2}):(\d{2}):(\d{2})(?: ([a-z]{1,5}|[+-]\d{4}))? (\d{4})(?: (.*))?$/i.exec(
      text,
    );
  if (!match) return null;
  const [, month, day, hour, minute, second, before, year, after] = match;
  return instantOf({ year, month: monthOf(month), day, hour, minute, second, zone: before ?? after });
}

function iso8601Date(text: string): Date | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)? ?(Z|[+-]\d{2}:?\d{2})$/i.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, zone] = match;
  return instantOf({ year, month: Number(month) - 1, day, hour, minute, second, zone });
}

function monthOf(name: string | undefined): number {
  const lower = name?.toLowerCase() ?? '';
  const full = [
    'january',
    'february',
    'march',
    'april',
    'may',
    'june',
    'july',
    'august',
    'september',
    'october',
    'november',
    'december',
  ];
  return lower === 'sept' ? 8 : Math.max(months.indexOf(lower), full.indexOf(lower));
}

function instantOf(fields: DateFields): Date | null {
  const midnight = midnightOf(fields);
  const minutes = minutesOf(fields);
  if (midnight === null || minutes === null) return null;
  const second = Math.min(Number(fields.second ?? '0'), 59); // RFC 5322 3.3 allows a leap second, 60
  return storable(new Date(midnight + (minutes - zoneMinutes(fields.zone ?? '')) * 60_000 + second * 1000));
}

/** The instant, where it has a year of four digits in UTC: Postgres reads no other from ISO 8601. Null for all else. */
export function storable(instant: Date): Date | null {
  const year = instant.getUTCFullYear();
  return year >= 1 && year <= 9999 ? instant : null;
}

function midnightOf({ year, month, day }: DateFields): number | null {
  const [inYear, onDay] = [yearOf(year ?? ''), Number(day)];
  if (month < 0 || inYear < 1900 || inYear > 9999) return null;
  // A day that the month does not have rolls over into another.
  const midnight = new Date(Date.UTC(inYear, month, onDay));
  return midnight.getUTCMonth() === month && midnight.getUTCDate() === onDay ? midnight.getTime() : null;
}

function minutesOf({ hour, minute, second }: DateFields): number | null {
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? '0') > 60) return null;
  return Number(hour) * 60 + Number(minute);
}

/** RFC 5322 4.3: two digits from 00 to 49 are 2000 to 2049, other two and three digits are added to 1900. */
function yearOf(digits: string): number {
  const year = Number(digits);
  if (digits.length === 2 && year < 50) return year + 2000;
  return digits.length < 4 ? year + 1900 : year;
}

// RFC 5322 4.3, and the European names that have one meaning. All other names count as -0000, as the RFC says.
const zoneHours = new Map(
  Object.entries({ EST: -5, EDT: -4, CST: -6, CDT: -5, MST: -7, MDT: -6, PST: -8, PDT: -7, WEST: 1, JST: 9 }).concat(
    Object.entries({ CET: 1, MET: 1, MEZ: 1, CEST: 2, MEST: 2, MESZ: 2, EET: 2, EEST: 3, MSK: 3 }),
  ),
);

/** Minutes east of UTC. */
function zoneMinutes(zone: string): number {
  const numeric = /^(?:(?:GMT|UTC|UT|Z) ?)?([+-])(\d{1,2}):?(\d{2})/i.exec(zone);
  if (!numeric) return (zoneHours.get(/^[a-z]+/i.exec(zone)?.[0].toUpperCase() ?? '') ?? 0) * 60;
  const [hours, minutes] = [Number(numeric[2]), Number(numeric[3])];
  if (hours > 15 || minutes > 59) return 0;
  return (numeric[1] === '-' ? -1 : 1) * (hours * 60 + minutes);
}

/** RFC 5322 3.2.2: comments nest. One that never closes runs to the end. */
function withoutComments(text: string): string {
  let depth = 0;
  let kept = '';
  for (const character of text) {
    if (character === '(') depth += 1;
    else if (character === ')' && depth > 0) depth -= 1;
    else if (depth === 0) kept += character;
  }
  return kept;
}
