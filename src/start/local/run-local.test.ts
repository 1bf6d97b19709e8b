import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { recordedIo } from '../../../test/support/cli/recorded-io.ts'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { createProgram, runProgram } from '../../cli/program.ts'
import { addLocalCommand } from './local-command.ts'

const FILE = `name: shop
inputs: { who: { default: nobody } }
jobs:
  hello: { steps: [{ name: greet, command: print hello $NARWHAL_INPUT_WHO }] }
  after: { needs: hello, steps: [{ name: fail, command: exit 3 }] }
  other: { steps: [{ name: other, command: print other }] }
`

/** Runs `narwhal run` where the file lies uncommitted in a repository. */
async function narwhalRun(...args: string[]) {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using data = await tempDir()
  await writeFile(join(repository.path, 'narwhal.yml'), FILE)
  const io = recordedIo({ cwd: repository.path })
  const program = createProgram(io, 'test')
  addLocalCommand(program, (flags) => ({ io, root: '/', version: 'test', flags }))
  await runProgram(program, ['run', '--data', data.path, '--executor', 'fake:', ...args], io)
  return { out: io.stdout.text, error: io.stderr.text, code: io.exitCode }
}

test('runs the working tree, shows its life line by line, and fails with it', async () => {
  const { out, error, code } = await narwhalRun('--input', 'who=ada')
  assert.match(out, / hello\/greet \S hello ada\n/, error)
  assert.match(out, / other\/other \S other\n/)
  assert.match(out, /after\/fail failure/)
  assert.equal(code, 1)
})

test('runs only the jobs that were asked for, and those that they need', async () => {
  const { out, code } = await narwhalRun('hello')
  assert.match(out, / hello\/greet \S hello nobody\n/)
  assert.match(out, /after skipped: it was not asked for/)
  assert.match(out, /other skipped: it was not asked for/)
  assert.equal(code, 0)
})

test('shows the plan instead, and what is wrong with it', async () => {
  const plan = await narwhalRun('--dry-run', 'after')
  assert.match(plan.out, /^shop\n {2}\S hello\n {6}greet\n/)
  assert.match(plan.out, / other: it was not asked for\n/)
  const wrong = await narwhalRun('--dry-run', 'nope')
  assert.match(wrong.out, /^narwhal\.yml:1:1: error: the file holds no job "nope"/)
  assert.equal(wrong.code, 1)
})
