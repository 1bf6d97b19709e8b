import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { eventually } from '../../../../test/support/eventually.ts'
import { present } from '../../../lib/present.ts'
import { type ContractFixture, MIB, NOTHING, run } from './contract-fixture.ts'

export function outputContract(contract: ContractFixture): void {
  contract.check('gives the exit code of the script, and tells its streams apart', async () => {
    const box = await contract.shared()
    const script = 'echo one\necho wrong >&2\necho two\nprintf three\nprintf worse >&2\nexit 7'
    assert.deepEqual(await run(box.sandbox, script), {
      exitCode: 7,
      stdout: 'one\ntwo\nthree',
      stderr: 'wrong\nworse',
    })
    assert.deepEqual(await run(box.sandbox, ''), { exitCode: 0, stdout: '', stderr: '' })
    assert.equal((await run(box.sandbox, 'exit 255')).exitCode, 255)
  })

  contract.check('delivers both streams in the order in which they were written', async () => {
    const box = await contract.shared()
    // Both shells write by themselves; each line is a write of its own.
    const lines = 5_000
    const loop = `while [ $i -lt ${lines} ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done`
    const last = '(echo "out again"; echo "err again" >&2); echo "as a file" >/dev/stderr'
    const expected = [
      ...Array.from({ length: lines }, (_, i) => [`out ${i}`, `err ${i}`]).flat(),
      'out again',
      'err again',
      'as a file',
      '',
    ].join('\n')
    for (const background of [undefined, { end: NOTHING }]) {
      const step = { script: `i=0; ${loop}; ${last}; exit 3`, env: {}, interleaved: true as const }
      const heard = { stdout: '', stderr: '' }
      const exit = await box.sandbox.run(
        { ...step, ...present({ background }) },
        (stream, chunk) => void (heard[stream] += Buffer.from(chunk).toString()),
        NOTHING,
      )
      assert.equal(exit.exitCode, 3)
      assert.ok(heard.stdout === expected, firstDifference(heard.stdout, expected))
      assert.equal(heard.stderr, '')
    }
  })

  contract.check('has the standard streams as files', async () => {
    const box = await contract.shared()
    const ran = await run(box.sandbox, 'echo out >/dev/stdout; echo err >/dev/stderr; : >/dev/null')
    assert.deepEqual(ran, { exitCode: 0, stdout: 'out\n', stderr: 'err\n' })
  })

  contract.check('is aborted while it writes without end', async () => {
    const box = await contract.shared()
    const stop = new AbortController()
    let bytes = 0
    const running = run(box.sandbox, 'yes', {}, stop.signal, (text) => {
      bytes += text.length
      if (bytes > MIB) stop.abort(new Error('enough'))
      return ''
    })
    await assert.rejects(running, /enough/)
  })

  contract.check('delivers 20 MB whole and in order, on both streams', async () => {
    const box = await contract.shared()
    // Long lines: the programs that number and read them must not be slower than what passes them on.
    const [lines, bytes] = [80_000, 256]
    const count = (to: number) =>
      `awk 'BEGIN { for (i = 1; i <= ${to}; i++) printf "%0${bytes - 1}d\\n", i }'`
    const script = `${count(lines)} & ${count(5_000)} >&2; wait`
    const expected = { stdout: 1, stderr: 1 }
    const rest = { stdout: '', stderr: '' }
    const exit = await box.sandbox.run(
      { script, env: {} },
      (stream, chunk) => {
        const text = rest[stream] + Buffer.from(chunk).toString('latin1')
        const end = text.lastIndexOf('\n') + 1
        for (let at = 0; at < end; at += bytes) {
          assert.equal(Number(text.slice(at, at + bytes - 1)), expected[stream])
          expected[stream] += 1
        }
        rest[stream] = text.slice(end)
      },
      NOTHING,
    )
    assert.deepEqual([exit.exitCode, expected.stdout - 1, expected.stderr - 1], [0, lines, 5_000])
  })

  contract.check('lets a listener slow the step down', async () => {
    const box = await contract.shared()
    const gate = Promise.withResolvers<void>()
    let bytes = 0
    let heard = 0
    const running = box.sandbox.run(
      { script: 'head -c 30000000 /dev/zero', env: {} },
      async (_stream, chunk) => {
        heard += 1
        await gate.promise
        bytes += chunk.length
      },
      NOTHING,
    )
    await eventually(() => heard > 0)
    // If the first chunk were not awaited, more would arrive.
    await using second = await contract.box()
    await run(second.sandbox, 'true')
    assert.equal(heard, 1)
    gate.resolve()
    assert.deepEqual(await running, { exitCode: 0 })
    assert.equal(bytes, 30_000_000)
  })

  contract.check('passes every byte through', async () => {
    const box = await contract.shared()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    await writeFile(box.dir.join('workspace', 'bytes'), bytes)
    const chunks: Uint8Array[] = []
    await box.sandbox.run(
      { script: 'cat bytes', env: {} },
      (_stream, chunk) => void chunks.push(Buffer.from(chunk)),
      NOTHING,
    )
    assert.deepEqual(Buffer.concat(chunks), bytes)
  })

  contract.check('rejects with what the listener throws, and stops the step', async () => {
    const box = await contract.shared()
    const failing = box.sandbox.run(
      { script: 'echo one; sleep 1000', env: {} },
      () => {
        throw new Error('the disk is full')
      },
      NOTHING,
    )
    await assert.rejects(failing, /the disk is full/)
    assert.equal((await run(box.sandbox, 'echo on')).stdout, 'on\n')
  })
}

/** A message of the size of a line. */
function firstDifference(text: string, expected: string): string {
  const [lines, wanted] = [text.split('\n'), expected.split('\n')]
  const at = wanted.findIndex((line, index) => line !== lines[index])
  return `line ${at} is "${lines[at]}" instead of "${wanted[at]}"`
}
