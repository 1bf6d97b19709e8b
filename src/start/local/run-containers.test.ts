import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { layOut } from '#root/test/support/services/docker-image.ts'
import { findProgram } from '#root/test/support/services/programs.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { createProgram, runProgram } from '../../cli/program.ts'
import { CONTAINER_IDS } from '../../core/container-ids.ts'
import { findRuntime } from '../../runner/executor/oci/runtime/find-runtime.ts'
import { writeLayout } from '../../runner/images/fixtures/layouts.fixture.ts'
import { addImageCommands } from '../commands/image-commands.ts'
import { addLocalCommand } from './local-command.ts'

const FILE = `image: team/tools
steps:
  - echo hello from $(cat /etc/of-the-image)
`

test('runs in an image that was imported once, for whatever folder', async (t) => {
  await using dir = await tempDir()
  const found =
    process.getuid?.() === 0
      ? await findRuntime({ folder: dir.join('trial'), firstId: CONTAINER_IDS.first })
      : 'needs root'
  if (typeof found === 'string') return t.skip(found)
  await mkdir(dir.join('root/etc'), { recursive: true })
  await layOut(dir.join('root'), findProgram('busybox') ?? '')
  await promisify(execFile)('sh', [
    '-c',
    `cd ${dir.join('root')} && echo tools >etc/of-the-image && tar -cf ../layer.tar .`,
  ])
  writeLayout(dir.join('layout'), { layers: [await readFile(dir.join('layer.tar'))] })
  const narwhal = async (cwd: string, ...args: string[]) => {
    const io = recordedIo({ cwd })
    const program = createProgram(io, 'test')
    addLocalCommand(program, (flags) => ({ io, root: '/', version: 'test', flags }))
    addImageCommands(program, (flags) => ({ io, root: '/', version: 'test', flags }))
    await runProgram(program, [...args, '--data', dir.join('data')], io)
    return { out: io.stdout.text, error: io.stderr.text, code: io.exitCode }
  }
  await narwhal('/', 'image', 'import', dir.join('layout'), 'team/tools')
  for (let times = 0; times < 2; times++) {
    await using repository = await gitRepository({ files: { 'narwhal.yml': FILE } })
    const { out, error, code } = await narwhal(repository.path, 'run', '--executor', 'oci:')
    assert.match(out, / hello from tools\n/, error)
    assert.equal(code, 0)
  }
})
