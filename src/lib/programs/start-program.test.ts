import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { openReader } from '../pipes/open-fifo.ts'
import { ForkServer } from './fork-server.ts'
import { makeFifos } from './make-fifos.ts'
import { startChild } from './start-program.ts'
import {
  type Command,
  ENDED_PIPE,
  OPEN_PIPE,
  type StartedProgram,
  type StartOptions,
} from './started-program.ts'

type Start = (command: Command, options: StartOptions) => Promise<StartedProgram>

const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
const shell = (script: string, ...args: string[]): Command => [
  '/bin/sh',
  '-c',
  script,
  'test',
  ...args,
]

for (const way of ['child', 'fork server'] as const) {
  describe(`a program started by this process's ${way}`, () => {
    async function use(work: (start: Start, server?: ForkServer) => Promise<void>): Promise<void> {
      if (way === 'child') return await work(async (...ask) => startChild(...ask))
      await using dir = await tempDir()
      await using server = await ForkServer.open(dir.join("the server's"))
      await work((...ask) => server.start(...ask), server)
    }

    const run = async (start: Start, command: Command, options: Partial<StartOptions> = {}) => {
      const program = await start(command, { env, ...options })
      const [stdout, stderr, end] = await Promise.all([
        text(program.stdout),
        text(program.stderr),
        program.ended,
      ])
      return { stdout, stderr, ...end }
    }

    test('has its own output, arguments and exit code', async () => {
      await use(async (start) => {
        const words = ["it's", '', 'a $b `c`', '\n', '*', '-n', '\\']
        const script = `printf '<%s>' "$@"; printf err >&2; exit 7`
        const { stdout, stderr, code } = await run(start, shell(script, ...words))
        assert.equal(stdout, words.map((word) => `<${word}>`).join(''))
        assert.deepEqual([stderr, code], ['err', 7])
      })
    })

    test('has exactly the environment that it is given', async () => {
      await use(async (start) => {
        const given = { ...env, QUOTED: "a'b\nc", EMPTY: '', LC_ALL: 'C', absent: undefined }
        const { stdout } = await run(start, ['env', '-0'], { env: given })
        const lines = stdout.split('\0').filter((line) => line !== '' && !line.startsWith('_='))
        const { absent: _, ...expected } = given
        assert.deepEqual(
          lines.toSorted(),
          Object.entries(expected)
            .map(([name, value]) => `${name}=${value}`)
            .toSorted(),
        )
      })
    })

    test('starts in the folder that it is given', async () => {
      await using dir = await tempDir()
      await use(async (start) => {
        const { stdout } = await run(start, ['pwd'], { cwd: dir.path })
        assert.equal(stdout, `${dir.path}\n`)
      })
    })

    test('reads its input to the end, or none', async () => {
      await use(async (start) => {
        const long = 'line\n'.repeat(100_000)
        assert.equal((await run(start, ['cat'], { input: long })).stdout, long)
        assert.equal((await run(start, ['cat'])).stdout, '')
        const kind = shell('cat; test -p /dev/stdin || test -S /dev/stdin')
        assert.deepEqual(await run(start, kind, { input: ENDED_PIPE }), {
          stdout: '',
          stderr: '',
          code: 0,
        })
      })
    })

    test('reads what is written to it, until that is ended', async () => {
      await use(async (start) => {
        for (const count of [0, 1, 100]) {
          const program = await start(['wc', '-c'], { env, input: OPEN_PIPE })
          for (let i = 0; i < count; i++) {
            if (program.stdin?.write(Buffer.alloc(50_000)) === false)
              await once(program.stdin, 'drain')
          }
          program.stdin?.end()
          assert.equal((await text(program.stdout)).trim(), String(count * 50_000))
          assert.deepEqual(await program.ended, { code: 0 })
        }
      })
    })

    test('writes more than a pipe holds, binary too', async () => {
      await use(async (start) => {
        const program = await start(shell('head -c 3000000 /dev/zero'), { env })
        let bytes = 0
        for await (const chunk of program.stdout) bytes += (chunk as Buffer).length
        assert.equal(bytes, 3_000_000)
        assert.deepEqual(await program.ended, { code: 0 })
      })
    })

    test('writes to FIFOs that somebody else reads', async () => {
      await using dir = await tempDir()
      const output = { stdout: dir.join('out'), stderr: dir.join('err') }
      await makeFifos(Object.values(output))
      await use(async (start) => {
        const readers = [openReader(output.stdout), openReader(output.stderr)]
        // A reader sees the end once there is no writer.
        const writers = Object.values(output).map((path) => openSync(path, 'w'))
        const program = await start(shell('echo one; echo two >&2'), { env, output })
        await program.begun
        for (const fd of writers) closeSync(fd)
        assert.deepEqual(await Promise.all(readers.map((reader) => text(reader))), [
          'one\n',
          'two\n',
        ])
      })
    })

    test('is missing: that is told', async () => {
      await use(async (start) => {
        assert.equal((await run(start, ['no-such-program-here'])).isMissing, true)
        assert.equal((await run(start, ['/no/such/program'])).isMissing, true)
      })
    })

    test('is killed, before or after it has begun', async () => {
      await use(async (start) => {
        const early = await start(['sleep', '600'], { env, output: 'none' })
        early.kill('SIGKILL')
        assert.deepEqual(await early.ended, { code: 137 })
        const later = await start(shell('echo up; exec sleep 600'), { env })
        await new Promise((resolve) => later.stdout.once('data', resolve))
        later.kill('SIGTERM')
        assert.deepEqual(await later.ended, { code: 143 })
        later.kill('SIGTERM')
      })
    })

    test('many run at once', async () => {
      await use(async (start) => {
        const numbers = Array.from({ length: 60 }, (_, number) => number)
        const all = await Promise.all(
          numbers.map((number) => run(start, shell('echo $1; exit $1', String(number)))),
        )
        assert.deepEqual(
          all.map(({ stdout, code }) => [stdout, code]),
          numbers.map((number) => [`${number}\n`, number]),
        )
      })
    })
  })
}

test('a fork server leaves no file, no zombie and no process', async () => {
  await using dir = await tempDir()
  const folder = dir.join('server')
  let pid = 0
  {
    await using server = await ForkServer.open(folder)
    const asked = await server.start(shell('echo "$PPID"; read -r _'), { env, input: OPEN_PIPE })
    const [line] = (await once(asked.stdout, 'data')) as [Buffer]
    pid = parentOf(Number(line))
    asked.stdin?.end()
    await asked.ended
    for (let i = 0; i < 5; i++) {
      const program = await server.start(['true'], { env, output: 'none', input: 'something' })
      await program.ended
    }
    await eventually(() => assert.deepEqual(childrenOf(pid), []))
    const kinds = new Set(readdirSync(folder).map((name) => name.split('-')[0]))
    assert.deepEqual([...kinds], ['fifo'])
  }
  await eventually(() => assert.throws(() => process.kill(pid, 0)))
  assert.throws(() => readdirSync(folder), /ENOENT/)
})

test('a program ends whose FIFOs nobody has open any more, as those of a process that was killed', async () => {
  await using dir = await tempDir()
  await using server = await ForkServer.open(dir.join('server'))
  const output = { stdout: dir.join('out'), stderr: dir.join('err') }
  await makeFifos(Object.values(output))
  const program = await server.start(shell('echo one; echo two'), { env, output })
  assert.equal((await program.ended).code, 141)
})

test('a fork server that was killed is replaced, and what it had begun still tells its end', async () => {
  await using dir = await tempDir()
  await using server = await ForkServer.open(dir.join('server'))
  const gate = dir.join('gate')
  const program = await server.start(
    shell('echo "$PPID"; until [ -e "$1" ]; do sleep 0.02; done; exit 3', gate),
    { env },
  )
  const [line] = await new Promise<string[]>((resolve) => {
    program.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().split('\n')))
  })
  process.kill(parentOf(Number(line)), 'SIGKILL')
  await eventually(async () => {
    const other = await server.start(['echo', 'again'], { env })
    assert.equal(await text(other.stdout), 'again\n')
  })
  writeFileSync(gate, '')
  assert.deepEqual(await program.ended, { code: 3 })
})

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

function childrenOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').filter((one) => one !== '')
}
