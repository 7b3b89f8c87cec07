/** `ockam identity …` */

import type { CommandGroup } from '../../program/command.ts'
import { identityCreate } from './create.ts'
import { identityDefault } from './default.ts'
import { identityDelete } from './delete.ts'
import { identityExport } from './export.ts'
import { identityImport } from './import.ts'
import { identityList } from './list.ts'
import { identityRotate } from './rotate.ts'
import { identityShow } from './show.ts'

export const identity: CommandGroup = {
  name: 'identity',
  summary: 'Who this machine is to others: keys under a name',
  commands: [identityCreate, identityList, identityShow, identityDefault, identityRotate, identityExport, identityImport, identityDelete],
}
