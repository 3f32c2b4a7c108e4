/** The 16550A's register bits (National Semiconductor PC16550D data sheet, table II and section 8). */
import type { BitField } from './device';
import { bit, field } from './describe';

/** Interrupt enable register. */
export const enum Ier {
  ERBFI = 0x01,
  ETBEI = 0x02,
  ELSI = 0x04,
  EDSSI = 0x08,
}

/** Interrupt identification: bits 3-0. */
export const enum Iir {
  MODEM_STATUS = 0x0,
  NONE = 0x1,
  THR_EMPTY = 0x2,
  DATA_AVAILABLE = 0x4,
  LINE_STATUS = 0x6,
  TIMEOUT = 0xc,
}

/** FIFO control register. */
export const enum Fcr {
  ENABLE = 0x01,
  RX_RESET = 0x02,
  DMA_MODE = 0x08,
  TRIGGER = 0xc0,
}

/** Line control register. */
export const enum Lcr {
  WORD_LENGTH = 0x03,
  STOP_BITS = 0x04,
  PARITY_ENABLE = 0x08,
  SET_BREAK = 0x40,
  DLAB = 0x80,
}

/** Modem control register. */
export const enum Mcr {
  DTR = 0x01,
  RTS = 0x02,
  OUT1 = 0x04,
  OUT2 = 0x08,
  LOOP = 0x10,
}

/** Line status register. */
export const enum Lsr {
  DR = 0x01,
  OE = 0x02,
  PE = 0x04,
  FE = 0x08,
  BI = 0x10,
  THRE = 0x20,
  TEMT = 0x40,
  FIFO_ERROR = 0x80,
}

/** Modem status register. */
export const enum Msr {
  CTS = 0x10,
  DSR = 0x20,
  RI = 0x40,
  DCD = 0x80,
}

/** Fields of IER. */
export const FIELDS_IER: readonly BitField[] = [
  bit(0, 'ERBFI', 'received data available interrupt'),
  bit(1, 'ETBEI', 'transmitter holding register empty interrupt'),
  bit(2, 'ELSI', 'receiver line status interrupt'),
  bit(3, 'EDSSI', 'modem status interrupt'),
];
/** Fields of IIR. */
export const FIELDS_IIR: readonly BitField[] = [
  bit(0, 'no interrupt pending'),
  field(3, 1, 'ID', 'highest pending interrupt', [
    'modem status',
    'THR empty',
    'data available',
    'line status',
    '',
    '',
    'character timeout',
  ]),
  field(7, 6, 'FIFOs enabled', undefined, ['no', '', '', 'yes']),
];
/** Fields of FCR. */
export const FIELDS_FCR: readonly BitField[] = [
  bit(0, 'FIFO enable'),
  bit(3, 'DMA mode'),
  field(7, 6, 'RCVR trigger', 'bytes that raise the interrupt', ['1', '4', '8', '14']),
];
/** Fields of LCR. */
export const FIELDS_LCR: readonly BitField[] = [
  field(1, 0, 'WLS', 'bits in a character', ['5', '6', '7', '8']),
  bit(2, 'STB', 'two stop bits (1.5 with 5 bits)'),
  bit(3, 'PEN', 'parity enable'),
  bit(4, 'EPS', 'even parity'),
  bit(5, 'stick parity'),
  bit(6, 'set break'),
  bit(7, 'DLAB', 'divisor latch access'),
];
/** Fields of MCR. */
export const FIELDS_MCR: readonly BitField[] = [
  bit(0, 'DTR', 'data terminal ready'),
  bit(1, 'RTS', 'request to send'),
  bit(2, 'OUT1'),
  bit(3, 'OUT2', 'lets the interrupt reach the board'),
  bit(4, 'LOOP', 'transmitter feeds receiver'),
];
/** Fields of LSR. */
export const FIELDS_LSR: readonly BitField[] = [
  bit(0, 'DR', 'data ready'),
  bit(1, 'OE', 'overrun error'),
  bit(2, 'PE', 'parity error'),
  bit(3, 'FE', 'framing error'),
  bit(4, 'BI', 'break interrupt'),
  bit(5, 'THRE', 'transmitter holding register empty'),
  bit(6, 'TEMT', 'transmitter empty'),
  bit(7, 'error in RCVR FIFO'),
];
/** Fields of MSR. */
export const FIELDS_MSR: readonly BitField[] = [
  bit(0, 'DCTS', 'CTS has changed'),
  bit(1, 'DDSR', 'DSR has changed'),
  bit(2, 'TERI', 'RI has gone low'),
  bit(3, 'DDCD', 'DCD has changed'),
  bit(4, 'CTS', 'clear to send'),
  bit(5, 'DSR', 'data set ready'),
  bit(6, 'RI', 'ring indicator'),
  bit(7, 'DCD', 'data carrier detect'),
];
