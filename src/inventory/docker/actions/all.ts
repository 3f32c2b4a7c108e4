/** Every action of engines with a Docker API. */
import type { DockerAction } from './action';
import { detailActions } from './details';
import { fileActions } from './files';
import { imageActions } from './images';
import { pruneAction } from './prune';
import { removeAction } from './remove';
import { stateActions } from './state';
import { terminalActions } from './terminals';

/** In the order in which menus show them. */
export const dockerActions: readonly DockerAction[] = [
  ...stateActions,
  ...terminalActions,
  ...imageActions,
  ...detailActions,
  ...fileActions,
  pruneAction,
  removeAction,
];
