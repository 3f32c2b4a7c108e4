/**
 * Numbers of libvirt's remote protocol. Source: libvirt 9.0, src/remote/remote_protocol.x, qemu_protocol.x,
 * src/rpc/virnetprotocol.x, virkeepaliveprotocol.x; numbers are never given anew.
 */

/** The programs: what the numbers of calls belong to. */
export const REMOTE_PROGRAM = 0x20008086;
export const QEMU_PROGRAM = 0x20008087;
export const KEEPALIVE_PROGRAM = 0x6b656570;
export const PROTOCOL_VERSION = 1;

/** Kinds of messages. */
export const MESSAGE = { call: 0, reply: 1, event: 2, stream: 3 } as const;
/** Their status. */
export const STATUS = { ok: 0, error: 1, continue: 2 } as const;

/** Procedures of the keep-alive program. */
export const KEEPALIVE = { ping: 1, pong: 2 } as const;

/** Procedures of the QEMU program. */
export const QEMU_PROC = { monitorCommand: 1 } as const;

/** Procedures of the main program: calls. */
export const PROC = {
  connectOpen: 1,
  connectGetType: 3,
  connectGetVersion: 4,
  nodeGetInfo: 6,
  domainGetXmlDesc: 14,
  domainGetAutostart: 15,
  domainGetInfo: 16,
  domainLookupByUuid: 24,
  domainReboot: 27,
  domainResume: 28,
  domainSetAutostart: 29,
  domainSuspend: 34,
  networkCreate: 39,
  networkDefineXml: 41,
  networkDestroy: 42,
  networkGetXmlDesc: 43,
  networkLookupByUuid: 47,
  networkUndefine: 49,
  domainRestore: 54,
  domainSave: 55,
  authList: 66,
  authPolkit: 70,
  storagePoolDefineXml: 77,
  storagePoolCreate: 78,
  storagePoolDestroy: 80,
  storagePoolUndefine: 82,
  storagePoolRefresh: 83,
  storagePoolLookupByUuid: 85,
  storagePoolGetInfo: 87,
  storagePoolGetXmlDesc: 88,
  storageVolCreateXml: 93,
  storageVolDelete: 94,
  storageVolLookupByName: 95,
  storageVolLookupByPath: 97,
  storageVolGetInfo: 98,
  storageVolGetXmlDesc: 99,
  storageVolGetPath: 100,
  storageVolCreateXmlFrom: 125,
  networkIsActive: 152,
  connectGetLibVersion: 157,
  domainAbortJob: 164,
  domainManagedSave: 182,
  domainHasManagedSaveImage: 183,
  domainManagedSaveRemove: 184,
  domainSnapshotCreateXml: 185,
  domainSnapshotGetXmlDesc: 186,
  domainRevertToSnapshot: 192,
  domainSnapshotDelete: 193,
  domainCreateWithFlags: 196,
  domainOpenConsole: 201,
  domainSetMemoryFlags: 204,
  domainGetState: 212,
  domainPinVcpuFlags: 225,
  domainGetVcpuPinInfo: 230,
  domainUndefineFlags: 231,
  domainDestroyFlags: 234,
  domainReset: 245,
  domainSetBlockIoTune: 252,
  domainGetBlockIoTune: 253,
  domainShutdownFlags: 258,
  domainPmWakeup: 267,
  connectListAllDomains: 273,
  domainListAllSnapshots: 274,
  connectListAllStoragePools: 281,
  storagePoolListAllVolumes: 282,
  connectListAllNetworks: 283,
  domainGetJobStats: 298,
  domainMigratePerform3Params: 305,
  connectNetworkEventRegisterAny: 313,
  connectDomainEventCallbackRegisterAny: 316,
  domainCoreDumpWithFormat: 334,
  networkGetDhcpLeases: 341,
  connectGetAllDomainStats: 344,
  domainDefineXmlFlags: 350,
  domainInterfaceAddresses: 353,
  connectStoragePoolEventRegisterAny: 368,
  domainGetGuestInfo: 418,
  domainBackupBegin: 421,
} as const;

/** Procedures of the main program: what the daemon tells by itself. */
export const EVENT = {
  networkLifecycle: 315,
  lifecycle: 318,
  reboot: 319,
  watchdog: 321,
  ioError: 322,
  diskChange: 327,
  trayChange: 328,
  balloonChange: 331,
  deviceRemoved: 333,
  blockJob: 339,
  agentLifecycle: 348,
  deviceAdded: 354,
  jobCompleted: 363,
  storagePoolLifecycle: 370,
} as const;
