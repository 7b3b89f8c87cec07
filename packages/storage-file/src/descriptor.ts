/**
 * Files as plain descriptors. Not `FileHandle`, which closes itself, with a warning and one day an error, when it is garbage collected: a store
 * that a program keeps no reference to must hold its directory until the process ends.
 */

import * as fs from 'node:fs'
import { promisify } from 'node:util'

export interface Descriptor {
  readonly number: number
  readonly close: () => Promise<void>
}

/** As `fs.open`. */
export async function openDescriptor(path: string, flags: string | number, mode?: number): Promise<Descriptor> {
  const number = await open(path, flags, mode)
  return { number, close: () => close(number) }
}

const open = promisify<string, string | number, number | undefined, number>(fs.open)
const close = promisify(fs.close)

export const changeMode: (descriptor: number, mode: number) => Promise<void> = promisify(fs.fchmod)
export const status: (descriptor: number) => Promise<fs.Stats> = promisify<number, fs.Stats>(fs.fstat)
export const syncAll: (descriptor: number) => Promise<void> = promisify(fs.fsync)
export const syncData: (descriptor: number) => Promise<void> = promisify(fs.fdatasync)
export const truncate: (descriptor: number, length: number) => Promise<void> = promisify<number, number>(fs.ftruncate)

/** Reads into all of `into`; returns how many bytes came, none at the end of the file. */
export function readAt(descriptor: number, into: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(descriptor, into, 0, into.length, position, (error, length) => (error === null ? resolve(length) : reject(error)))
  })
}

/** Returns how many of `bytes` were taken, which may be fewer than all. */
export function writeAt(descriptor: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(descriptor, bytes, 0, bytes.length, position, (error, length) => (error === null ? resolve(length) : reject(error)))
  })
}
