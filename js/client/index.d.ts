// SPDX-License-Identifier: Apache-2.0
import type { E as EndoE } from '@endo/eventual-send';

export declare const E: typeof EndoE;
export { Far, passStyleOf, makeTagged } from '@endo/pass-style';

/** The name of an object ("ko42") or promise ("kp7") of a kernel. */
export type Kref = string;
/** "o+3" is ours, "o-3" theirs; p for promises. */
export type Slot = string;
/** A value as text with references apart. */
export type CapData = { body: string; slots: string[] };
/** A message of CapTP. */
export type CapTPMessage = Record<string, unknown> & { type: string };
export type PassStyle =
  | 'undefined' | 'null' | 'boolean' | 'number' | 'bigint' | 'string' | 'symbol'
  | 'copyArray' | 'copyRecord' | 'tagged' | 'error' | 'remotable' | 'promise';

/* ---- a session with a kernel ---- */

/** What carries texts: one a message. */
export interface Carrier {
  send(text: string): void;
  close(): void;
  attend(handler: { text(text: string): void; ended(why: string): void }): void;
}

export interface ConnectOptions extends Omit<BackgroundCapTPOptions, 'send'> {
  /** Opens another kind of carrier. */
  openCarrier?(address: object): Promise<Carrier>;
}

/** Connects and waits for the kernel's first object; rejects with CONNECTION_LOST. */
export declare function connect(url: string | URL, options?: ConnectOptions): Promise<Connection>;

export interface Connection extends Omit<BackgroundCapTP, 'dispatch' | 'abort'> {
  /** The first object: the kernel's facade, or what was granted. */
  readonly kernel: any;
  getBootstrap(): Promise<any>;
  /** Settles with the reason once the session is over; never rejects. */
  readonly closed: Promise<Error>;
  /** Ends the session; all that waits rejects with the reason. */
  close(reason?: Error): Promise<Error>;
}

/* ---- the host's end, whatever carries the messages ---- */

export interface BackgroundCapTPOptions extends CapTPOptions {
  send(message: CapTPMessage): unknown;
  /** What the other side is called in errors. */
  name?: string;
  /** What the other side gets when it asks for our first object. */
  bootstrap?: unknown;
}

export interface BackgroundCapTP {
  /** Takes a message of the other side; true if it was one we could take. */
  dispatch(message: CapTPMessage): boolean;
  getKernel(): Promise<any>;
  abort(reason?: unknown): void;
  /** The presence of a kref: asks the kernel, which rejects what does not exist or was revoked. */
  resolveKref(kref: Kref): Promise<any>;
  /** Settles when the kernel's promise does. */
  subscribePromise(kref: Kref): Promise<any>;
  /** Lets go of an import now, not when it is collected. Sent with others; a crossing mention is safe. */
  dropKref(krefOrPresence: Kref | object): void;
  krefOf(value: unknown): Kref | undefined;
  isKrefPresence(value: unknown): boolean;
  /** The link itself. */
  readonly captp: CapTP;
}

export declare function makeBackgroundCapTP(options: BackgroundCapTPOptions): BackgroundCapTP;
/** One message as a JSON-RPC notification, and back. */
export declare function makeCapTPNotification(message: CapTPMessage): object;
export declare function isCapTPNotification(message: unknown): boolean;
export declare function getCapTPMessage(message: unknown): CapTPMessage;

/* ---- facade methods by name ---- */

export declare function resolveKref(kernel: unknown, kref: Kref): Promise<any>;
export declare function subscribePromise(kernel: unknown, kref: Kref): Promise<any>;
export declare function dropKref(kernel: unknown, krefOrPresence: Kref | object): Promise<void>;

/* ---- @endo/captp's makeCapTP with hooks ---- */

export interface CapTPHooks {
  /** The other side needs this export no longer. */
  gcHook?(slot: Slot, value: unknown): void;
  /** Gives the presence for a slot; undefined for the usual one. */
  onBeforeImportHook?(slot: Slot, iface: string | undefined): object | undefined;
  /** Gives the slot for a value; undefined for the next number. */
  onBeforeExportHook?(value: object): Slot | undefined;
  /** Gives the value of a slot that is not in the table, or exports one by exportValue(). */
  missingExportHook?(slot: Slot): object | undefined;
  /** Sees each import once; an object it gives takes the place of an object, never of a promise. */
  importHook?(value: object, slot: Slot): object | void;
  /** Sees each export once; a slot it gives takes the place of an object's, never of a promise's. */
  exportHook?(value: object, slot: Slot): Slot | void;
}

export interface CapTPOptions extends CapTPHooks {
  epoch?: number;
  /** Let go of imports that were collected. connect() and makeBackgroundCapTP(): true by default. */
  gcImports?: boolean;
  /** Is told of what goes wrong in the link itself. */
  onReject?(error: unknown): void;
  /** Styles that this link refuses, with the path of what is refused. */
  refuse?: { send?: PassStyle[]; receive?: PassStyle[] };
  /** The other side is a kernel that names things after their krefs. */
  krefs?: boolean;
  /** The other side reads the member "more" of CTP_DROP, as keeve does: many drops, one message. */
  dropTogether?: boolean;
  /** Tables to use in place of ours. */
  makeCapTPImportExportTables?(kit: TablesKit): ImportExportTables;
  trapGuest?: unknown;
  trapHost?: unknown;
}

export interface CapTP {
  abort(reason?: unknown): void;
  dispatch(message: CapTPMessage): boolean;
  getBootstrap(): Promise<any>;
  getStats(): object;
  isOnlyLocal(value: unknown): boolean;
  serialize(value: unknown): CapData;
  unserialize(data: CapData): any;
  makeTrapHandler(name: string, value: object): object;
  Trap?: unknown;
  /** What talks to a slot of theirs, in no table. */
  makeRemoteKit(slot: Slot): { promise: Promise<any>; settler: { resolveWithPresence(): object } };
  /** Registers the presence for a slot of theirs; without one, makes it. */
  importSlot(slot: Slot, presence?: object): object;
  /** Exports a value under a slot of ours. */
  exportValue(value: object, slot: Slot): void;
  /** Lets go of an import now. */
  dropSlot(slot: Slot): void;
  getTableSizes(): { imports: number; questions: number; exports: number } | undefined;
}

export declare function makeCapTP(
  ourId: string,
  rawSend: (message: CapTPMessage) => unknown,
  bootstrapObj?: unknown,
  options?: CapTPOptions,
): CapTP;

export interface TablesKit {
  gcImports: boolean;
  releaseSlot(slot: Slot): void;
  makeRemoteKit(slot: Slot): any;
}
export interface ImportExportTables {
  makeSlotForValue(value: object): Slot;
  makeValueForSlot(slot: Slot, iface: string | undefined): { val: any; settler: any };
  hasImport(slot: Slot): boolean;
  getImport(slot: Slot): any;
  markAsImported(slot: Slot, value: any): void;
  hasExport(slot: Slot): boolean;
  getExport(slot: Slot): any;
  markAsExported(slot: Slot, value: any): void;
  deleteExport(slot: Slot): void;
  didDisconnect(): void;
}

/** A presence for what is not there yet: messages wait, in order, until it is provided. */
export declare function makeDelegatePresence(name?: string): {
  presence: object;
  provide(target: unknown): void;
  fail(reason: unknown): void;
};

/* ---- krefs, presences, stand-ins ---- */

export type SendToKernel = (
  operation: 'queueMessage' | 'getProperty' | 'subscribePromise',
  message: { target: Kref; method?: string | symbol; args?: unknown[]; property?: string | symbol },
) => unknown;

export interface KrefTables extends ImportExportTables {
  /** The kref of a presence; undefined for anything else. */
  exportSlot(value: unknown): Kref | undefined;
  /** The presence of a kref; a promise for kp. */
  importSlot(kref: Kref, iface?: string): any;
}
/** Give it to @endo/captp as makeCapTPImportExportTables, or use it alone with sendToKernel. */
export declare function makeKrefImportExportTables(
  options?: Partial<TablesKit> & CapTPHooks & { sendToKernel?: SendToKernel },
): KrefTables;

/** The presence of a kref, for E(): one for each kref and function. kp gives a promise. */
export declare function makeKrefPresence(kref: Kref, sendToKernel: SendToKernel, iface?: string): any;
/** The kref of a presence, promise of a kernel, or stand-in; undefined for anything else. */
export declare function krefOf(value: unknown): Kref | undefined;
/** True only of presences and promises of a kernel. */
export declare function isKrefPresence(value: unknown): boolean;
export declare function isKref(text: unknown): boolean;

/** A stand-in names a thing of the kernel's in data. */
export declare function kslot(kref: Kref, iface?: string): any;
/** Values with stand-ins to the kernel's notation (smallcaps, slots are krefs) and back. */
export declare function kser(value: unknown): CapData;
export declare function kunser(data: CapData): any;
/** Strings that are krefs, and nothing else, become stand-ins: call it on your own text only. */
export declare function convertKrefsToStandins<T>(value: T): any;
/** Presences become stand-ins; strings stay strings. */
export declare function convertPresencesToStandins<T>(value: T): any;

export interface PresenceManager {
  resolveKref(kref: Kref): any;
  krefOf(value: unknown): Kref | undefined;
  isKrefPresence(value: unknown): boolean;
  /** CapData with krefs, smallcaps or capdata, to a value with presences. */
  fromCapData(data: CapData): any;
  convertPresencesToStandins<T>(value: T): any;
  subscribePromise(kref: Kref): Promise<any>;
  dropKref(krefOrPresence: Kref | object): void;
}
export declare function makePresenceManager(options: { kernelFacade: unknown }): PresenceManager;

/** "CONNECTION_LOST", "OBJECT_DELETED", "NOT_SENT"...: what stands after KERNEL: in an error's message. */
export declare function errorCode(error: unknown): string | undefined;
