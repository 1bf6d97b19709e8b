import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { recordedIo } from '../../test/support/cli/recorded-io.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { addFileCommands } from './commands/file.ts'
import { createProgram, runProgram } from './program.ts'

const GOOD = `name: shop
image: node:24
jobs:
  lint: { steps: [npm run lint] }
  'test': { matrix: { n: [1, 2] }, steps: [{ name: 'a <b>', command: x }] }
  publish: { needs: [lint, test], when: { event: tag }, steps: [x] }
`

/** Runs a command beside a file, and gives what it said and its exit code. */
async function narwhal(text: string, ...args: string[]) {
  await using folder = await tempDir()
  await writeFile(join(folder.path, 'narwhal.yml'), text)
  const io = recordedIo({ cwd: folder.path })
  const program = createProgram(io, 'test')
  addFileCommands(program, io)
  await runProgram(program, args, io)
  return { out: io.stdout.text, error: io.stderr.text, code: io.exitCode }
}

test('lint tells what is wrong with its place, and fails', async () => {
  const { out, code } = await narwhal('steps: [x]\nimagee: a\n', 'lint')
  assert.equal(
    out,
    'narwhal.yml:2:1: error: imagee is not a key of narwhal.yml: did you mean image?\n  imagee: a\n  ^\n',
  )
  assert.equal(code, 1)
})

test('lint warns and is content, unless it is strict', async () => {
  const text = 'image: node\nsteps: [x]\n'
  const { out, code } = await narwhal(text, 'lint')
  assert.match(
    out,
    /^narwhal\.yml:1:8: warning: image changes whenever its maintainers push: pin a tag/,
  )
  assert.equal(code, undefined)
  assert.equal((await narwhal(text, 'lint', '--strict')).code, 1)
  const json = await narwhal(text, 'lint', 'narwhal.yml', '--json')
  const { problems, warnings } = JSON.parse(json.out) as Record<string, { line: number }[]>
  assert.deepEqual([problems?.length, warnings?.[0]?.line], [0, 1])
  assert.match((await narwhal(GOOD, 'lint')).out, /narwhal\.yml: OK/)
})

test('a file that is not there is no such thing', async () => {
  const { error, code } = await narwhal(GOOD, 'lint', 'other.yml')
  assert.match(error, /there is no other\.yml in \/.*: create one; the shortest is `steps: /)
  assert.equal(code, 3)
  for (const command of ['lint', 'graph']) {
    const folder = await narwhal(GOOD, command, '.')
    assert.match(folder.error, /^narwhal: \/\S+ can't be read: it is a folder\n$/)
  }
})

test('graph shows what runs beside the steps, and where else they run', async () => {
  const file = `
image: node:24
network: none
services: { db: { image: 'postgres:18' } }
steps:
  - { command: ./serve, background: true }
  - { command: ./report, image: 'python:3.14', when: { status: always } }
`
  assert.match(
    (await narwhal(file, 'graph')).out,
    /main in node:24 without a network\n {6}service db in postgres:18\n {6}\.\/serve \(in the background\)\n {6}\.\/report in python:3\.14 \(always\)\n$/,
  )
})

test('graph plans for what happens to a pull request, as far as it is given', async () => {
  const file = `
jobs:
  e2e: { when: { action: [opened, labeled], label: e2e, draft: false }, steps: [x] }
  clean: { when: { action: closed }, steps: [x] }
  announce: { when: { event: release, tag: 'v*' }, steps: [x] }
`
  const graph = async (...args: string[]) => (await narwhal(file, 'graph', ...args)).out
  const pull = ['--event', 'pull_request']
  assert.match(await graph(...pull), /e2e: when: no label matches e2e/)
  assert.doesNotMatch(await graph(...pull, '--label', 'bug', '--label', 'e2e'), /e2e: when/)
  assert.match(await graph(...pull, '--label', 'e2e', '--draft'), /e2e: when: .* is a draft/)
  assert.doesNotMatch(await graph(...pull, '--action', 'closed'), /clean: when/)
  assert.doesNotMatch(await graph('--event', 'release', '--ref', 'v1'), /announce: when/)
  const wrong = await narwhal(file, 'graph', '--event', 'tag', '--action', 'opened')
  assert.match(wrong.error, /--event tag never has --action opened/)
  assert.match((await narwhal(file, 'graph', '--draft')).error, /require --event pull_request/)
})

test('graph shows the jobs as text, for Mermaid, and as a picture', async () => {
  const text = (await narwhal(GOOD, 'graph', '--event', 'tag')).out
  assert.match(text, /^shop\n {2}\S lint in node:24\n {6}npm run lint\n/)
  assert.match(text, /\n {4}\S publish in node:24 after lint, test \(1\), test \(2\)\n {8}x\n$/)
  assert.match((await narwhal(GOOD, 'graph')).out, /publish: when: the event is push, not tag/)
  const mermaid = (await narwhal(GOOD, 'graph', '--event', 'tag', '--format', 'mermaid')).out
  assert.match(mermaid, /^flowchart LR\n/)
  assert.match(mermaid, /\n {2}job1\["test \(1\)"\]\n/)
  assert.match(mermaid, /\n {2}job0 --> job3\n/)
  const svg = (await narwhal(GOOD, 'graph', '--event', 'tag', '--format', 'svg')).out
  assert.match(svg, /^<svg xmlns=/)
  assert.equal(svg.match(/<rect /g)?.length, 4)
  assert.equal(svg.match(/<path /g)?.length, 3)
})

test('schema prints what editors read, and the page of the manual', async () => {
  const { $id } = JSON.parse((await narwhal(GOOD, 'schema')).out) as { $id: string }
  assert.equal($id, 'urn:narwhal:narwhal.yml')
  assert.match((await narwhal(GOOD, 'schema', '--markdown')).out, /^# All keys of narwhal\.yml\n/)
})

test('what another repository has is no mistake for lint, which checks the rest', async () => {
  const include = "include: ['acme/ci@v1:jobs.yml']\n"
  const words =
    /^narwhal\.yml:1:11: warning: "acme\/ci@v1:jobs\.yml" was not checked: check it with `narwhal run --dry-run --include-repositories acme\/ci=URL`$/m
  const own = 'jobs: { deploy: { needs: lint, steps: [x] }, test: { template: node } }\n'
  for (const text of [include, `${include}${own}`]) {
    const { out, code } = await narwhal(text, 'lint')
    assert.match(out, words)
    assert.ok(!out.includes('error'), out)
    assert.equal(code, undefined)
    assert.equal((await narwhal(text, 'lint', '--strict')).code, 1)
  }
  const wrong = `${include}jobs: { deploy: { needs: deploy, steps: [x] }, test: { tempalte: node } }\n`
  const { out, code } = await narwhal(wrong, 'lint')
  assert.match(out, /error: jobs\.deploy\.needs is the job itself/)
  assert.match(out, /error: jobs\.test\.tempalte .*did you mean template\?/)
  assert.match(out, words)
  assert.equal(code, 1)
  const image = `${include}jobs: { a: { image: node, steps: [x] } }\n`
  assert.match(
    (await narwhal(image, 'lint')).out,
    /2:21: warning: .*image changes whenever its maintainers push/,
  )
  const graph = await narwhal(`${include}${own}`, 'graph')
  assert.match(graph.out, /error: "acme\/ci@v1:jobs\.yml" was not checked/)
  assert.equal(graph.code, 1)
})
