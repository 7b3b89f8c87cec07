/** Brings a database to version 2. Says `ready`, begins when its input ends, says `begin`, and says `done` when it was committed. */

import { writeSync } from 'node:fs'
import { migrate } from '../../src/schema.ts'
import { TO_SECOND } from '../second-migration.ts'
import { programArguments } from './program-driver.ts'

const { driver, path } = programArguments()
const database = new driver(path)
database.exec('PRAGMA busy_timeout = 60000')
console.log('ready')
for await (const _ of process.stdin) continue
// Synchronous: the line is out before anything else happens.
writeSync(1, 'begin\n')
migrate(database, path, TO_SECOND)
writeSync(1, 'done\n')
database.close()
