import assert from 'node:assert/strict'
import type { Sandbox } from '../executor.ts'
import { type ContractFixture, NOTHING, run } from './contract-fixture.ts'

export function maskContract(contract: ContractFixture): void {
  contract.check('has what a step wrote to its mask file before what it prints then', async () => {
    await using box = await contract.box()
    const { path, open } = fileOf(box.sandbox)
    using view = open()
    const lines = 100
    const script = `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo "<$i>" >>"$MASK"; echo "<$i>"; echo "<$i>" >&2; done`
    let heard = 0
    let known = ''
    const take = (_stream: string, chunk: Uint8Array): void => {
      const seen = view.look(10_000)
      if (seen) known = Buffer.from(seen.bytes).toString()
      for (const line of Buffer.from(chunk).toString().trim().split('\n')) {
        heard++
        assert.ok(known.includes(line), `${line} is not in ${known}`)
      }
    }
    await box.sandbox.run({ script, env: { MASK: path } }, take, NOTHING)
    assert.equal(heard, 2 * lines)
  })

  contract.check('lets every user of a step write to its mask file, which stays', async () => {
    await using box = await contract.box()
    const { path, open } = fileOf(box.sandbox)
    using view = open()
    const text = () => Buffer.from(view.look(1_000)?.bytes ?? []).toString()
    const env = { MASK: path }
    assert.equal((await run(box.sandbox, 'umask 077; echo one >>"$MASK"', env)).exitCode, 0)
    // As another user, if the step may become one.
    const script = `su -s /bin/sh nobody -c 'echo two >>"$0"' "$MASK" 2>/dev/null || echo two >>"$MASK"`
    assert.equal((await run(box.sandbox, script, env)).exitCode, 0)
    assert.equal(text(), 'one\ntwo\n')
    assert.equal(view.look(1_000), undefined)
    if (!contract.options.isolated) return
    await run(
      box.sandbox,
      'rm -f "$MASK" || :; mv "$MASK" /tmp/x || :; ln -sf /etc/passwd "$MASK" || :',
      env,
    )
    await run(box.sandbox, 'echo three >>"$MASK"', env)
    assert.equal(text(), 'one\ntwo\nthree\n')
  })
}

function fileOf({ maskFile }: Sandbox) {
  assert.ok(maskFile)
  return maskFile
}
