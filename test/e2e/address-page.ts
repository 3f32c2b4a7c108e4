// The address explorer, used as its reader does, many times over: a page full of ranges, a thousand walks.
import type { FrameLocator } from 'playwright-core';

/** What the page shows of one walk. */
export interface ShownWalk {
  readonly address: string;
  /** `0x...`; undefined where it is not reached. */
  readonly guestPhysical?: string | undefined;
  /** The sentence about the fault that the access would cause. */
  readonly fault?: string | undefined;
}

/** Walks that are asked for in one go; a go that takes long is told by the test's own time limit. */
const AT_ONCE = 100;

/** Opens the list of what the page tables map, whole; gives the first linear address of each range. */
export async function mappedStarts(page: FrameLocator): Promise<readonly bigint[]> {
  await page.getByRole('tab', { name: 'Page Tables' }).click();
  const starts = page.locator('table[aria-label="Page tables"] tbody td:first-child');
  await starts.first().waitFor();
  const more = page.getByRole('button', { name: 'More', exact: true });
  for (let count = await starts.count(); await more.isVisible(); count = await starts.count()) {
    await more.click();
    await starts.nth(count).waitFor();
  }
  return (await starts.allInnerTexts()).map(BigInt);
}

/** Walks to each address (`0x...`, no two the same) by the page's own form; gives what it shows then. */
export async function walkEach(page: FrameLocator, addresses: readonly string[]): Promise<readonly ShownWalk[]> {
  const shown: ShownWalk[] = [];
  for (let at = 0; at < addresses.length; at += AT_ONCE)
    shown.push(...(await page.locator('body').evaluate(walkInPage, addresses.slice(at, at + AT_ONCE))));
  return shown;
}

/** Runs in the page. */
async function walkInPage(body: HTMLElement | SVGElement, addresses: readonly string[]): Promise<ShownWalk[]> {
  const input = body.querySelector<HTMLInputElement>('input[aria-label="Address or expression"]')!;
  const place = (name: string): string | undefined =>
    [...body.querySelectorAll('.chain li')]
      .find((item) => item.querySelector('.name')?.textContent === name)
      ?.querySelector('button')?.textContent ?? undefined;
  const fault = body.querySelector<HTMLElement>('.fault')!;
  const shown: ShownWalk[] = [];
  for (const address of addresses) {
    const drawn = new Promise<void>((resolve) => {
      const observer = new MutationObserver(() => {
        if (place('linear') !== address) return;
        observer.disconnect();
        resolve();
      });
      observer.observe(body, { childList: true, subtree: true, characterData: true });
    });
    input.value = address;
    input.form!.requestSubmit();
    await drawn;
    const sentence = fault.hidden ? undefined : fault.textContent;
    shown.push({ address, guestPhysical: place('guest-physical'), fault: sentence ?? undefined });
  }
  return shown;
}
