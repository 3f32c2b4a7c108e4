/** The Gregorian calendar in integer arithmetic: seconds since 1970-01-01T00:00:00Z to fields and back, without `Date`. */

/** A date and time of day; `month` and `day` count from 1, `weekday` 0 is Sunday. */
export interface CalendarTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const SECONDS_PER_DAY = 86_400;
const DAYS_PER_ERA = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAY = 719_468;

/** Seconds since the epoch of the given fields; fields out of their range carry over. */
export function secondsOf(time: Omit<CalendarTime, 'weekday'>): number {
  // Years are counted from March, so that the leap day is a year's last.
  const months = time.month - 3;
  const year = time.year + Math.floor(months / 12);
  const monthFromMarch = ((months % 12) + 12) % 12;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + time.day - 1;
  const days =
    year * 365 + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400) + dayOfYear - EPOCH_DAY;
  return days * SECONDS_PER_DAY + time.hour * 3600 + time.minute * 60 + time.second;
}

/** The fields of `seconds` since the epoch (an integer, negative for earlier times). */
export function calendarOf(seconds: number): CalendarTime {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const rest = seconds - days * SECONDS_PER_DAY;
  const shifted = days + EPOCH_DAY;
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
    weekday: (((days + 4) % 7) + 7) % 7,
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
  };
}
