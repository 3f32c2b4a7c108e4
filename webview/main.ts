/** The pages' only script: the body says which page it is. */
import './style.css';
import type { PageName } from '../src/protocol/pages';
import { addressPage } from './address/address-page';
import { devicesPage } from './devices/devices-page';
import { exitsPage } from './exits/exits-page';
import { memoryPage } from './memory/memory-page';
import { type MakePage, showPage } from './page';
import { Session } from './session';

const PAGES: Readonly<Record<PageName, MakePage>> = {
  address: addressPage,
  devices: devicesPage,
  memory: memoryPage,
  exits: exitsPage,
};

const root = document.getElementById('page');
const page = PAGES[document.body.dataset.page as PageName];
if (root && page) showPage(new Session(), root, page);
