// Frames as the `zstd` program 1.5.4 makes them.
import { randomBytes } from './random';

/** A frame and what is in it. */
export interface ZstdCase {
  /** What `zstd` was told. */
  readonly name: string;
  readonly packed: Uint8Array;
  readonly unpacked: Uint8Array;
}

const WORDS = Uint8Array.from(
  Buffer.from(Array.from({ length: 300 }, (_, index) => `word${(index * index) % 37} `).join('')),
);
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

/** Frames that `zstd` has made. */
export const ZSTD_CASES: readonly ZstdCase[] = [
  {
    name: '-19 --ultra; calls upon calls',
    packed: bytesOf(
      'KLUv/WRYAb0GAIblNArwObnL/79TupQBMQAwADEAgArIqPRmRhoAZgcx9JQgHEpTWECNfwvhQGaSQBSVAqMTXJygiZBB9iu91Del' +
        'BTNYWGPnXcP1bcSLpMetPaFmdsVFxTcRnohGU5UeJMBEwUYS1cGpF2mUJeqFuQV+dCxz+2Ib3sXPSCI5E8GUKutEXMRDuDR4sG4I' +
        'AaaSBI3OwQTZL+xzLr5gG70gM4IU3eRA2iwv/p1kHi67QKqQizWjuUKxTr30YiJIv5JteQoynzkIMB06z24psa5ISjLilBANvBoA' +
        'rLgROA==',
    ),
    unpacked: randomBytes(600, 1, [0xe8, 0xe9, 0xe8, 0, 0xff, 1, 0x0f]),
  },
  {
    name: '--no-check; what does not pack',
    packed: bytesOf(
      'KLUv/SBa0QIAQgKCBhojWbYqO8o9CSQ+/r//NZuI6IqZ52QENSDZw3fRez1qIqfl3VSFFbYiA1w0TPOacEyq94NgeZH5zY98wiYw' +
        'glYZjedz3J41O12a0dYMokOq3YNTUe+O',
    ),
    unpacked: randomBytes(90, 2),
  },
  {
    name: '-22 --ultra; words',
    packed: bytesOf(
      'KLUv/WTYBuUCABJDCQzQPd2oIBchpYSDYOIgKT+bf+I4cbrI/DE3I/YakyRR3oZQ3g4cqDDg6xsQLYy0AxCCp6hb//9/A93uScc1' +
        'jFcBgcKGeg4N4BMD1RsLzyrTD3XIVSwUCSMF/FNLwg==',
    ),
    unpacked: WORDS,
  },
  {
    name: '-1 --no-content-size; words',
    packed: bytesOf(
      'KLUv/QQI9QMAdAN3b3JkMCB3b3JkMTQ5MTYyNTM2MTIyNzIwMzMyMTM0MzAyODMwNDExMjExMDI2NzI2NTY5MTQ5KCBwUy08we4/' +
        'kNvlx7Blgu6FE+4ai2XcwcqQQgINTyByhMEPW8CXA1bGDYPA8wjpOGqYa9XEu8OgYcEPp2EJPvYmIiAv/FNLwg==',
    ),
    unpacked: WORDS,
  },
  {
    name: '-3; zeros',
    packed: bytesOf('KLUv/aRADQMAVAAAEAAAAQD7/znAAgNqCADE6XRw'),
    unpacked: new Uint8Array(200_000),
  },
];
