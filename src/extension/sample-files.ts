/** What the sample is made of: the tour guest's sources and program, and a launch.json. */

/** The folder that the sample is copied to. */
export const SAMPLE_FOLDER = 'vmxray-tour';

/** From the extension's folder to the sample's: its sources keep the layout that its debug information names. */
export const SAMPLE_FILES = [
  ['test/guests/tour', 'tour'],
  ['test/guests/common', 'common'],
  ['test/guests/bin/tour.elf', 'tour.elf'],
] as const;

/** The sample's launch.json, relative to its folder, as text. */
export const SAMPLE_LAUNCH = {
  path: '.vscode/launch.json',
  text: `{
  "version": "0.2.0",
  "configurations": [
    {
      "type": "vmxray",
      "request": "launch",
      "name": "Debug the tour guest",
      "kernel": "\${workspaceFolder}/tour.elf",
      "stopOnEntry": true
    }
  ]
}
`,
} as const;
