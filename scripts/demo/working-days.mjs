// @ts-check
export const dayMs = 86_400_000;

/** The same day, or the nearest before (-1) or after (1) it that is not of a weekend. @param {Date} date @param {number} direction */
export function workingDay(date, direction) {
  let day = date;
  while (day.getUTCDay() % 6 === 0) day = new Date(day.getTime() + direction * dayMs);
  return day;
}

/** A moment of a working day, later than the letter before. @param {Date} wanted @param {Date} earliest @param {import('./dice.mjs').Dice} dice */
export function atWork(wanted, earliest, dice) {
  const day = workingDay(new Date(Math.floor(wanted.getTime() / dayMs) * dayMs), 1);
  const part = wanted.getTime() % dayMs;
  const minutes = 7 * 60 + Math.floor((part / dayMs) * 8 * 60) + dice.between(0, part === 0 ? 400 : 95);
  const date = new Date(day.getTime() + minutes * 60_000 + dice.between(0, 59) * 1_000);
  return date > earliest ? date : new Date(earliest.getTime() + dice.between(11, 75) * 60_000);
}
