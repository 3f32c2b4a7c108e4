/** The MC146818's alarm: when the three alarm bytes next match the time (MC146818A data sheet, "Time, Calendar, and Alarm"). */
import { encodeByte, encodeHour } from './rtc-registers';

const SECONDS_PER_DAY = 86_400;
/** An alarm byte of 0xC0..0xFF matches every value. */
const DONT_CARE = 0xc0;

/**
 * The first second after `after` (seconds since the epoch) whose time of day matches the alarm bytes in the format of
 * register B; Infinity when none does.
 */
export function nextAlarm(after: number, hours: number, minutes: number, seconds: number, b: number): number {
  const hourMatches = (hour: number): boolean => hours >= DONT_CARE || encodeHour(hour, b) === hours;
  const minuteMatches = (minute: number): boolean => minutes >= DONT_CARE || encodeByte(minute, b) === minutes;
  const secondMatches = (second: number): boolean => seconds >= DONT_CARE || encodeByte(second, b) === seconds;
  if (!some(24, hourMatches) || !some(60, minuteMatches) || !some(60, secondMatches)) return Infinity;
  let time = after + 1;
  for (;;) {
    const ofDay = ((time % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;
    if (!hourMatches(Math.floor(ofDay / 3600))) time += 3600 - (ofDay % 3600);
    else if (!minuteMatches(Math.floor(ofDay / 60) % 60)) time += 60 - (ofDay % 60);
    else if (!secondMatches(ofDay % 60)) time += 1;
    else return time;
  }
}

function some(count: number, matches: (value: number) => boolean): boolean {
  for (let value = 0; value < count; value++) if (matches(value)) return true;
  return false;
}
