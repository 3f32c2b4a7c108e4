/** The pages' only script: the body says which page it is. */
import './style.css';
import type { PageName } from '../src/protocol/pages';
import { addressPage } from './address/address-page';
import { devicesPage } from './devices/devices-page';
import { type DetailsWindow, showDetails } from './details/details-page';
import { exitsPage } from './exits/exits-page';
import { memoryPage } from './memory/memory-page';
import { type MakePage, showPage } from './page';
import { Session, type VsCodeApi } from './session';

const PAGES: Readonly<Record<PageName, MakePage>> = {
  address: addressPage,
  devices: devicesPage,
  memory: memoryPage,
  exits: exitsPage,
};

declare function acquireVsCodeApi(): VsCodeApi & DetailsWindow;

const root = document.getElementById('page');
const name = document.body.dataset.page ?? '';
const page = PAGES[name as PageName];
if (root && page) showPage(new Session(acquireVsCodeApi()), root, page);
else if (root && name === 'details') showDetails(root, acquireVsCodeApi());
