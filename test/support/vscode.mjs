// `npm run vscode`: installs and builds what is missing, then opens VS Code with the extension and the sample workspace.
import { install, nodeStep } from './steps.mjs';

process.exitCode =
  (await install()) ||
  (await nodeStep('esbuild.mjs', 'src', 'test/support')) ||
  (await nodeStep('dist/test/support/vscode-stand-in/main.js', '--open-sample'));
