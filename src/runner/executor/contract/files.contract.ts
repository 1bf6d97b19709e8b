import assert from 'node:assert/strict'
import { type ContractFixture, NOTHING, run } from './contract-fixture.ts'

export function filesContract(contract: ContractFixture): void {
  contract.check('gives every user of a step the text that was put last', async () => {
    await using box = await contract.box()
    const { files } = box.sandbox
    assert.ok(files)
    await files.put('TOKEN', 'first')
    await files.put('OTHER', 'other')
    const env = { TOKEN: files.pathOf('TOKEN'), OTHER: files.pathOf('OTHER') }
    // As another user, if the step may become one.
    const script = `cat "$TOKEN" "$OTHER"; su -s /bin/sh nobody -c 'cat "$0"' "$TOKEN" 2>/dev/null || cat "$TOKEN"`
    assert.equal((await run(box.sandbox, script, env)).stdout, 'firstotherfirst')
    await files.put('TOKEN', 'second')
    assert.equal((await run(box.sandbox, 'cat "$TOKEN"', env)).stdout, 'second')
  })

  contract.check('lets a running step read the old or the new text, never a mixture', async () => {
    await using box = await contract.box()
    const { files } = box.sandbox
    assert.ok(files)
    const texts = ['a'.repeat(3000), 'b'.repeat(2000), 'c'.repeat(4000)]
    await files.put('TOKEN', texts[0] ?? '')
    const script = `while :; do text=$(cat "$TOKEN"); echo "$text"; case $text in ccc*) exit 0;; esac; done`
    const env = { TOKEN: files.pathOf('TOKEN') }
    const seen: string[] = []
    let held = ''
    const take = (_stream: string, chunk: Uint8Array): void => {
      const lines = (held + Buffer.from(chunk).toString()).split('\n')
      held = lines.pop() ?? ''
      seen.push(...lines)
    }
    const running = box.sandbox.run({ script, env }, take, NOTHING)
    for (const text of texts.slice(1)) await files.put('TOKEN', text)
    assert.equal((await running).exitCode, 0)
    for (const line of seen) assert.ok(texts.includes(line), line.slice(0, 40))
  })

  contract.check('does not let a step change what it was given', async () => {
    if (!contract.options.isolated) return
    await using box = await contract.box()
    const { files } = box.sandbox
    assert.ok(files)
    await files.put('TOKEN', 'mine')
    const script = `chmod 777 "$TOKEN" || :; (echo other >"$TOKEN") || :; rm -f "$TOKEN" || :; mv "$TOKEN" /tmp/x || :; ln -sf /etc/passwd "$TOKEN" || :; cat "$TOKEN"`
    const env = { TOKEN: files.pathOf('TOKEN') }
    assert.equal((await run(box.sandbox, script, env)).stdout, 'mine')
    await files.put('TOKEN', 'still mine')
    assert.equal((await run(box.sandbox, 'cat "$TOKEN"', env)).stdout, 'still mine')
  })
}
