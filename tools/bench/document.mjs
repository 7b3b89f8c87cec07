/**
 * Writes the tables of the last runs into docs/performance.md, each between its two markers: `node tools/bench/document.mjs`. What has no result in
 * tools/bench/result stays as it is. The words around the tables are written by hand and have to be read again when the numbers change.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { measuredSection } from './runner/section.mjs'
import { rustSection } from './rust/section.mjs'

const DOCUMENT = new URL('../../docs/performance.md', import.meta.url)
const SECTIONS = [
  { marker: 'measured', result: 'latest.json', write: measuredSection },
  { marker: 'beside Rust', result: 'rust.json', write: rustSection },
]

let text = readFileSync(DOCUMENT, 'utf8')
for (const { marker, result, write } of SECTIONS) {
  const at = new URL(`./result/${result}`, import.meta.url)
  if (!existsSync(at)) continue
  const [begin, end] = [`<!-- ${marker}: begin -->`, `<!-- ${marker}: end -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`docs/performance.md needs the markers ${begin} and ${end}.`)
  text = `${text.slice(0, from + begin.length)}\n\n${write(JSON.parse(readFileSync(at, 'utf8')))}\n${text.slice(to)}`
}
writeFileSync(DOCUMENT, text)
