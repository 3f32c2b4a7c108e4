/** Address translation on the console. */
import { check } from './check';

describe('console: walk, ept, maps and memmap', () =>
  check([
    [
      'walk $rip',
      '  EPT PTE  [1]  physical:0x9008                         0x5007     R W X 4K page',
      'PDE        [8]  physical:0x5040 (guestPhysical:0x1040)  0x10000e1  P A D PS 2M page',
      'linear 0xffffffff81000004 -> guest-physical 0x1000004 -> physical 0x2000004',
      'allowed: read, execute',
    ],
    [
      'walk main write',
      '  EPT PTE  [1]  physical:0x9008                         0x5007     R W X 4K page',
      'PDE        [8]  physical:0x5040 (guestPhysical:0x1040)  0x10000e1  P A D PS 2M page  <-- R/W',
      'linear 0xffffffff81000000 -> guest-physical 0x1000004',
      'A write here fails: page fault: PDE, R/W',
    ],
    [
      'walk write',
      '  EPT PTE  [1]  physical:0x9008                         0x5007     R W X 4K page',
      'PDE        [8]  physical:0x5040 (guestPhysical:0x1040)  0x10000e1  P A D PS 2M page',
      'linear 0xb0a0908 -> guest-physical 0x1000004 -> physical 0x2000004',
      'allowed: read, execute',
    ],
    [
      'walk guestPhysical:0xfee00000 execute',
      '  EPT PTE  [1]  physical:0x9008                         0x5007     R W X 4K page',
      'PDE        [8]  physical:0x5040 (guestPhysical:0x1040)  0x10000e1  P A D PS 2M page',
      'guest-physical 0xfee00000 -> physical 0x2000004',
      'allowed: read, execute',
    ],
    ['walk', '! Write: walk ADDRESS [read|write|execute] ("help walk" says more).'],
    ['walk physical:0x1000', '! Write: walk ADDRESS [read|write|execute] ("help walk" says more).'],
    [
      'ept 0xfee00000',
      '  EPT PTE  [1]  physical:0x9008                         0x5007     R W X 4K page',
      'PDE        [8]  physical:0x5040 (guestPhysical:0x1040)  0x10000e1  P A D PS 2M page',
      'guest-physical 0xfee00000 -> physical 0x2000004',
      'allowed: read, execute',
    ],
    [
      'ept &jiffies + 8 write',
      '  EPT PTE  [1]  physical:0x9008                         0x5007     R W X 4K page',
      'PDE        [8]  physical:0x5040 (guestPhysical:0x1040)  0x10000e1  P A D PS 2M page  <-- R/W',
      'guest-physical 0x1040',
      'A write here fails: page fault: PDE, R/W',
    ],
    [
      'maps',
      '0x0-0x1000                             4K  r-xu-  4K pages  -> 0x7000',
      '0xffffffff81000000-0xffffffff81200000  2M  r-x-g  4K pages  -> 0x7000 <main>',
      '… more: maps linear 0xffffffff82000000',
    ],
    ['maps ept', '0x0-0x4000000  64M  r-x  2M pages  -> 0x100000', 'Pages come as the guest touches them.'],
    ['maps linear 0x9000', 'Nothing is mapped from 0x9000 on.'],
    ['maps ept $rsp', '0x0-0x4000000  64M  r-x  2M pages  -> 0x100000', 'Pages come as the guest touches them.'],
    ['memmap', '0x0-0xa0000            640K  RAM     conventional', '0xfee00000-0xfee01000    4K  device  Local APIC'],
    ['memmap DEVICE', '0xfee00000-0xfee01000  4K  device  Local APIC'],
    ['memmap x', '! There is no kind of memory "x": there is RAM, device.'],
    [
      'walk &write',
      '  EPT PTE  [1]  physical:0x9008                         0x5007     R W X 4K page',
      'PDE        [8]  physical:0x5040 (guestPhysical:0x1040)  0x10000e1  P A D PS 2M page',
      'linear 0x1008 -> guest-physical 0x1000004 -> physical 0x2000004',
      'allowed: read, execute',
    ],
    ['maps linear 0xa000', 'Paging is off.'],
  ]));
