#!/usr/bin/env node
// Every citation of a fact (`APIGW-14`) has its fact in docs/facts, every fact is cited, and none stands there twice.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file) => readFileSync(`${root}${file}`, 'utf8')
const problems = []

/** Fact → the page that has it. */
const facts = new Map()
for (const page of readdirSync(`${root}docs/facts`)) {
  for (const [, fact] of read(`docs/facts/${page}`).matchAll(/^- \*\*([A-Z]+-\d+)\*\* \S/gm)) {
    if (facts.has(fact)) problems.push(`${fact} stands in ${facts.get(fact)} and in ${page}`)
    facts.set(fact, page)
  }
}
const prefixes = [...new Set([...facts.keys()].map((fact) => fact.split('-')[0]))].join('|')

/** `APIGW-14` or a range of them, `APIGW-1–APIGW-12`. */
const citation = new RegExp(`\\b(${prefixes})-(\\d+)\\b(?:–\\1-(\\d+))?`, 'g')
const cited = new Set()
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 1e8,
}).split('\n')
for (const file of files) {
  if (!/\.(ts|mjs|js|cjs|vue|css|md)$/.test(file) || file.startsWith('docs/facts/')) continue
  // Generated from the titles of tests.
  if (file === 'docs/conformance.md') continue
  let text
  try {
    text = read(file)
  } catch {
    continue // Removed, and not committed yet.
  }
  for (const [, prefix, from, to = from] of text.matchAll(citation))
    for (let n = Number(from); n <= Number(to); n++) {
      cited.add(`${prefix}-${n}`)
      if (!facts.has(`${prefix}-${n}`))
        problems.push(`${file} cites ${prefix}-${n}, which no page of docs/facts has`)
    }
  const old = /\b(?:aws-behaviour|reliability(?:\.md)? \(|reliability(?:\.md)? [A-Z]\d)/.exec(text)
  if (old && file !== 'test/facts.mjs')
    problems.push(`${file} cites a page that is not in the repository: ${old[0]}`)
}
for (const [fact, page] of facts)
  if (!cited.has(fact))
    problems.push(`docs/facts/${page}: ${fact} is cited nowhere; remove it or cite it`)
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.stdout.write(`${facts.size} facts, ${cited.size} cited\n`)
process.exitCode = problems.length === 0 && facts.size > 0 ? 0 : 1
