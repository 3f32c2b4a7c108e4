// XZ files as the `xz` program of XZ Utils 5.4 makes them.
import { randomBytes } from './random';

/** A file and what is in it. */
export interface XzCase {
  /** What `xz` was told. */
  readonly name: string;
  readonly packed: Uint8Array;
  readonly unpacked: Uint8Array;
}

const WORDS = Uint8Array.from(
  Buffer.from(Array.from({ length: 300 }, (_, index) => `word${(index * index) % 37} `).join('')),
);
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

/** Files that `xz` has made. */
export const XZ_CASES: readonly XzCase[] = [
  {
    name: '--x86 --lzma2 --check=crc32, as for kernels; calls upon calls',
    packed: bytesOf(
      '/Td6WFoAAAFpIt42AgEEACEBFgANhjUf4AJXAZhdAHSBPeBwC/83QDOohDuvAl55Gsk96daV/crkw4Z7fc5Go2VE0AQt3P+yZAzLGQe/ds9z' +
        'rQj71sx8vJgikDlccHQTfZMPP/84V/pg0pIuqlxfy8TYlwnoA1IE8UjeHTJhj8H97MBHxGvAkfGq2MYk8VJadfmf+7q645L+Xhy5f2CQd2jr' +
        'TVmkYu7RMbU6H/eHCLa9qYtZbPYlRmTNZh8+5ihRQBwOEv3vXv/2niNRkp66w2HrvY0fjPvHgKd269JUAOR/bCUHhUHSe+5g4td+sFg9HMUi' +
        'zAlznMSzuwVjVgwJO4mYVoWqSNjHuYM1Wm1tJiABnI68kKPJBrWRMIUNYpy1JCjdY7xtrwyhDc7HqniILFzLYPH1Uki7d/1Rp8Tf9PRI7Wd' +
        'XVtkYaMoN7VQ9Rj23DJX418ZLF74HxO645n2lnPewHtd75eAhvtmXWf3M3Gs6/fliP20lW3Uij+3CYkmmJ/qPey2IESeUVM6Q/16zN4OKO04' +
        'TZE+0uiS+2ZYpjLwSr2VT92E3gv90j974/GrTBQSpAE490QCCgl7nAAGwA9gEAADShNZ6PjANiwIAAAAAAVla',
    ),
    unpacked: randomBytes(600, 1, [0xe8, 0xe9, 0xe8, 0, 0xff, 1, 0x0f]),
  },
  {
    name: '--check=none; what does not pack',
    packed: bytesOf(
      '/Td6WFoAAAD/EtlBAgAhARYAAAB0L+WjAQBZQgKCBhojWbYqO8o9CSQ+/r//NZuI6IqZ52QENSDZw3fRez1qIqfl3VSFFbYiA1w0TPOacEyq' +
        '94NgeZH5zY98wiYwglYZjedz3J41O12a0dYMokOq3YNTUe+OAAAAAAFqWuyOKjQGcp56AQAAAAAAWVo=',
    ),
    unpacked: randomBytes(90, 2),
  },
  {
    name: '--check=crc64; words',
    packed: bytesOf(
      '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AfXAF5dADubyqrRrhracj2Nner5bcO1O5DeoV2LOXw3ZIF83/4gzUS5hVKtMNSQEeC2upgtWy2k' +
        'Yt/gy3q9mCoRxzfeGYLsYThK/1cZsSmIrVP8A6/glQN0J7ID4TivRbGA8gAAAABx8jqqqm37AABetgPAAAAtN4KiLHEZ/sCAAAAAARZWg==',
    ),
    unpacked: WORDS,
  },
  {
    name: '--lzma2=lc=0,lp=3,pb=4 --check=sha256 --block-size=700; three blocks',
    packed: bytesOf(
      '/Td6WFoAAArh+wyhAgAhARYAAAB0L+Wj4AK7AFfPADubykZBgIIhIx0xppmtdCDTxuoG/DmXcOPCmQtnv8XVTO0a0NWRnU/kJsysVUkjb78K' +
        '9ArGRpo30er5sSnyAJg3+Mlj9GG7stsWshKNlSRYrt1XNdYAAAAAxZlCkeNyhcd+ffSDNFKEItfw5QrZciPu5eLfm7JQ11ECACEBFgAAAHQv' +
        '5aPgArsAWM8AORkCIyEB3N8AoZjn4JJZwahVYsvWJZUROm0TOVT548GQCQmZ+f1z4QpN6SnpAOUk2RaPHrgB/wKnvwEN6d/kEYxOFymJQDh4' +
        'zLJ7++dlkl3BHX6rmLEAAACZO5o3iTvitJTBJwavOFadNW2d+G/cKXKR+ffvXnP9wgIAIQEWAAAAdC/lo+ACXwBXzwAQHcnnIyDIYxihmNpE' +
        'sfp8MrrFTp1LRY4zjSC2lyMnS7RYCn7qfeGac3ajkrq6D731NAHmSla/nZu+Z3n6Ja8DPyAUzNvwPaElVPlAN5h4MPWpLGmqKAAAALU4NyKl' +
        'l68L5Ueg2u5Al+Lab6ib2eTc7VrVS3L3tfR0AAOLAbwFjAG8BYsB4AQAAE2h6kyrCobKBAAAAAAKWVo=',
    ),
    unpacked: WORDS,
  },
];
