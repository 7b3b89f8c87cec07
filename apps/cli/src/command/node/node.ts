/** `ockam node …` */

import type { CommandGroup } from '../../program/command.ts'
import { nodeCreate } from './create.ts'
import { nodeDefault } from './default.ts'
import { nodeDelete } from './delete.ts'
import { nodeList } from './list.ts'
import { nodeLogs } from './logs.ts'
import { nodeShow } from './show.ts'
import { nodeStart } from './start.ts'
import { nodeStop } from './stop.ts'

export const node: CommandGroup = {
  name: 'node',
  summary: 'Programs that hold connections, channels, relays and portals',
  commands: [nodeCreate, nodeList, nodeShow, nodeStart, nodeStop, nodeDelete, nodeLogs, nodeDefault],
}
