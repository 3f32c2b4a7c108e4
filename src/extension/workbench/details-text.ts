/** What is known of an item, as a Markdown document. */
import type { DetailSection } from '../../inventory/provider';

/** Sections as tables. */
export function detailsText(label: string, sections: readonly DetailSection[]): string {
  const parts = sections.map(({ title, columns, rows }) => {
    const head = columns.length > 0 ? columns : ['', ''];
    const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`);
    return `## ${title}\n\n${rows.length > 0 ? lines.join('\n') : 'Nothing.'}\n`;
  });
  return [`# ${label}\n`, ...parts].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
