/** What a node remembers of the things that were made on it, in a record in its folder. */

import { join } from 'node:path'
import * as z from 'zod'
import { readRecord, removeRecord, writeRecord } from '../state/record-file.ts'

const THINGS = z.array(z.object({ method: z.string(), key: z.string(), parameters: z.unknown() })).max(10_000)

/** In the order they were made. A `….delete` among them is a default of the node that was deleted and is not to be offered again. */
export type KeptThings = z.output<typeof THINGS>

const pathIn = (nodeFolder: string): string => join(nodeFolder, 'things.json')

export const readThings = (nodeFolder: string): KeptThings => readRecord(pathIn(nodeFolder), THINGS) ?? []
export const writeThings = (nodeFolder: string, things: KeptThings): void => writeRecord(pathIn(nodeFolder), things)
export const forgetThings = (nodeFolder: string): boolean => removeRecord(pathIn(nodeFolder))
