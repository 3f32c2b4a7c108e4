// Pictures of the window from inside a test. VS Code gives an extension no way to take one; the stand-in's browser does.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Writes NAME.png to the folder that VMXRAY_SCREENSHOTS names; without it does nothing. Rejects after 10 s. */
export async function screenshot(name: string): Promise<void> {
  const folder = process.env.VMXRAY_SCREENSHOTS;
  if (!folder) return;
  const path = join(folder, `${name}.png`);
  rmSync(path, { force: true });
  console.log(`VMXRAY-SCREENSHOT ${name}`);
  for (let waited = 0; !statSync(path, { throwIfNoEntry: false })?.size; waited += 100) {
    if (waited > 10_000) throw new Error(`No picture ${path} within 10 s: is this the stand-in's window?`);
    await sleep(100);
  }
}
