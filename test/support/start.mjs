// `npm start`: installs and builds what is missing, then opens the tour guest in the terminal debugger. Where nobody can
// type, it plays tour.commands in it instead. Ends with how to see the same in VS Code.
import { install, nodeStep } from './steps.mjs';

const GUEST = ['--kernel', 'test/guests/bin/tour.elf', '--pace', 'free'];
const TOUR = ['--script', 'test/support/tour.commands'];

const WELCOME = `
The tour guest, a small kernel with a seeded bug (its source: test/guests/tour), is about to run its first instruction.
Try: break kmain, continue, next, regs, walk $rip, stepexit, exits, help. Tab completes, quit leaves.
`;

const IN_VSCODE = `
To debug it in VS Code: npm run vscode (opens the program, or serves it to a browser).
Or, in a desktop VS Code: code . and press F5.`;

async function main() {
  const ready = (await install()) || (await nodeStep('esbuild.mjs', 'src/cli'));
  if (ready !== 0) return ready;
  const isTyped = process.stdin.isTTY && process.stdout.isTTY;
  if (isTyped) console.log(WELCOME);
  const code = await nodeStep('dist/src/cli/main.js', 'debug', ...GUEST, ...(isTyped ? [] : TOUR));
  if (code === 0) console.log(IN_VSCODE);
  return code;
}

process.exitCode = await main();
