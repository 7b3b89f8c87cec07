/**
 * Small records, one JSON file each, checked against a schema when they are read. A file is there completely or not at all, whenever the process or
 * the machine stops: it is written under another name, synced, and renamed; then its folder is synced.
 */

import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { z } from 'zod'
import { CommandError } from '../error.ts'

/** No record comes near it. */
const MAX_BYTES = 1024 * 1024

/** Undefined when there is no such file. @throws {CommandError} `cli/failed` when it is not what was written there. */
export function readRecord<T>(path: string, schema: z.ZodType<T>): T | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined
  let text: string
  try {
    if (statSync(path).size > MAX_BYTES) throw damaged(path)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    // Deleted since it was looked for.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw damaged(path, error)
  }
}

/** Replaces the file, or creates it. */
export function writeRecord(path: string, value: unknown): void {
  const draft = writeDraft(path, value)
  try {
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/** Creates the file. False, and nothing changed, when there is one already, whoever made it at the same moment. */
export function createRecord(path: string, value: unknown): boolean {
  const draft = writeDraft(path, value)
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft, { force: true })
  }
  syncFolder(dirname(path))
  return true
}

/** False when there was none. */
export function removeRecord(path: string): boolean {
  try {
    rmSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return false
  }
  syncFolder(dirname(path))
  return true
}

/** Makes names in a folder durable. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Names of this form are never records; one that a crash left behind means nothing. */
function writeDraft(path: string, value: unknown): string {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${JSON.stringify(value, undefined, 2)}\n`)
    fsyncSync(file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  return draft
}

function damaged(path: string, cause?: unknown): CommandError {
  return new CommandError('cli/failed', `The record ${path} is damaged or of a newer version.`, {
    hint: 'Restore it from a copy, or remove it and make the thing again.',
    cause,
  })
}
