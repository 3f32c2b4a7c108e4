// Packs the extension as a VSIX: a zip of the files that .vscodeignore lets through, with the manifest that VS Code wants.
//   node test/support/vsix.mjs [FILE]     dist/vmxray-VERSION.vsix if left out
// Sources: the Open Packaging Conventions (ECMA-376 part 2), the VSIX manifest schema (2011), PKWARE's APPNOTE (4.3).
// NOT IMPLEMENTED: signatures, zip64, preparing of README's links.
import { crc32, deflateRawSync } from 'node:zlib';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';

const TYPES = {
  '.json': 'application/json',
  '.js': 'application/javascript',
  '.css': 'text/css',
  '.md': 'text/markdown',
  '.txt': 'text/plain',
  '.vsixmanifest': 'text/xml',
};

const escaped = (text) =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The files that .vscodeignore lets through: it refuses everything, then names what is wanted after all. */
function wantedFiles() {
  const patterns = readFileSync('.vscodeignore', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => pattern(line.slice(1).trim()));
  const tops = readdirSync('.', { withFileTypes: true }).filter(({ name }) => !/^(node_modules|\.)/.test(name));
  const names = tops.flatMap((top) =>
    top.isDirectory()
      ? readdirSync(top.name, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`.replaceAll('\\', '/'))
      : [top.name],
  );
  return names.filter((name) => patterns.some((one) => one.test(name))).sort();
}

function pattern(glob) {
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '\u0000')
    .replaceAll('**', '.*')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0000', '(?:.*/)?');
  return new RegExp(`^${source}$`);
}

function manifest({
  name,
  publisher,
  version,
  displayName,
  description,
  engines,
  categories = [],
  extensionKind = [],
}) {
  const properties = {
    'Microsoft.VisualStudio.Code.Engine': engines.vscode,
    'Microsoft.VisualStudio.Code.ExtensionKind': extensionKind.join(','),
  };
  const asset = (type, path) => `<Asset Type="${type}" Path="extension/${path}" Addressable="true" />`;
  return `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${escaped(name)}" Version="${escaped(version)}" Publisher="${escaped(publisher)}" />
    <DisplayName>${escaped(displayName)}</DisplayName>
    <Description xml:space="preserve">${escaped(description)}</Description>
    <Categories>${escaped(categories.join(','))}</Categories>
    <Properties>
      ${Object.entries(properties)
        .map(([id, value]) => `<Property Id="${id}" Value="${escaped(value)}" />`)
        .join('\n      ')}
    </Properties>
    <License>extension/LICENSE</License>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code" /></Installation>
  <Dependencies />
  <Assets>
    ${asset('Microsoft.VisualStudio.Code.Manifest', 'package.json')}
    ${asset('Microsoft.VisualStudio.Services.Content.Details', 'README.md')}
  </Assets>
</PackageManifest>
`;
}

function contentTypes(names) {
  const extensions = [...new Set(['.vsixmanifest', ...names.map((name) => extname(name))])].filter(Boolean);
  const defaults = extensions.map(
    (one) => `<Default Extension="${one}" ContentType="${TYPES[one] ?? 'application/octet-stream'}" />`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">${defaults.join('')}</Types>
`;
}

/** A zip of entries, each deflated. Equal entries give equal bytes: all times are 1980-01-01. */
function zip(entries) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, content] of entries) {
    const bytes = Buffer.from(name);
    const packed = deflateRawSync(content, { level: 9 });
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(bytes.length, 22);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), common, bytes, packed);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, rest, bytes);
    offset += 4 + common.length + bytes.length + packed.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

const description = JSON.parse(readFileSync('package.json', 'utf8'));
const names = wantedFiles();
const file = process.argv[2] ?? `dist/vmxray-${description.version}.vsix`;
const packed = zip([
  ['extension.vsixmanifest', Buffer.from(manifest(description))],
  ['[Content_Types].xml', Buffer.from(contentTypes(names))],
  ...names.map((name) => [`extension/${name}`, readFileSync(name)]),
]);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, packed);
console.log(`${file}: ${names.length} files, ${(packed.length / 2 ** 20).toFixed(2)} MiB`);
