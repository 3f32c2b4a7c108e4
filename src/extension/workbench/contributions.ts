/**
 * What package.json says of the actions of all providers: a command and a menu item for each, computed from the providers'
 * own tables (a test compares, and writes with `npm run test:update`). Knows nothing of VS Code.
 */
import type { Action } from '../../inventory/provider';

/** A command in package.json. */
export interface CommandContribution {
  readonly command: string;
  readonly category: string;
  readonly title: string;
  readonly icon: string;
}

/** An item of the menu `view/item/context`. */
export interface MenuContribution {
  readonly command: string;
  readonly when: string;
  readonly group: string;
}

/** The prefix of the commands of rows. */
export const ITEM_COMMAND = 'vmxray.item.';
/** The tree that the rows are in. */
export const MACHINES_VIEW = 'vmxray.machines';

/** Groups of a context menu in VS Code's alphabetical order, the dangerous ones last. */
const GROUPS: Readonly<Record<Action['group'], string>> = {
  inline: '1_state',
  state: '1_state',
  show: '2_show',
  change: '3_change',
  danger: '9_danger',
};

/** One command for each action id. An id that several providers have looks as the first one says. */
export function commandsOf(actions: readonly Action[]): readonly CommandContribution[] {
  return distinct(actions).map(({ id, title, icon }) => ({
    command: `${ITEM_COMMAND}${id}`,
    category: 'VMXray',
    title,
    icon: `$(${icon})`,
  }));
}

/** Where the commands are in the rows' menus. */
export function menusOf(actions: readonly Action[]): readonly MenuContribution[] {
  return distinct(actions).flatMap(({ id, group, severalItems }, index) => {
    const several = severalItems ? '' : ' && !listMultiSelection';
    const item = {
      command: `${ITEM_COMMAND}${id}`,
      when: `view == ${MACHINES_VIEW} && viewItem =~ /;${id};/${several}`,
    };
    const inMenu = { ...item, group: `${GROUPS[group]}@${index + 1}` };
    return group === 'inline' ? [{ ...item, group: `inline@${index + 1}` }, inMenu] : [inMenu];
  });
}

const distinct = (actions: readonly Action[]): readonly Action[] =>
  actions.filter(({ id }, index) => actions.findIndex((other) => other.id === id) === index);
