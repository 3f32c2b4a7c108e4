// The actions of all providers that the tree may show, as their own tables have them.
import { foundActions } from '../../../src/inventory/providers';
import { OWN_ACTIONS } from '../../../src/inventory/own/actions';
import type { Action } from '../../../src/inventory/provider';

export const ALL_ACTIONS: readonly Action[] = [...OWN_ACTIONS, ...foundActions];
