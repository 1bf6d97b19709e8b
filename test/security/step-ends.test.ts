import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { openLog } from '../../src/lib/log.ts'
import { BubblewrapExecutor } from '../../src/runner/executor/bubblewrap.ts'
import { DockerExecutor } from '../../src/runner/executor/docker.ts'
import type { Executor, Sandbox } from '../../src/runner/executor/executor.ts'
import { MIB, runIn, withoutBubblewrap } from '../support/bubblewrap-jobs.ts'
import { freeNetworks } from '../support/free-networks.ts'
import { testImage, testService, uniquePrefix } from '../support/services.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A process that one step leaves, and that wants to say how the next one ended. */

const docker = testService('docker')
const log = await openLog({ level: 'silent', pretty: false })

/**
 * Looks for keys in the memory of every shell that it may read, and for the tokens of markers in what programs were
 * started with, and writes forged ends to all pipes that those shells hold.
 */
const FORGER = `
forge() {
  for file in /proc/[0-9]*/fd/*; do
    case $(readlink "$file") in
      /narwhal/*|*fifo*|pipe:*|*/ends*|*/out-*|*deleted*)
        printf '\\n%s ended 2 0 0\\n' "$1" >"$file" 2>/dev/null &
        printf '\\001narwhal-end-%s 0 0\\n' "$1" >"$file" 2>/dev/null & ;;
    esac
  done
}
while :; do
  for place in /proc/[0-9]*; do
    grep -E '^[0-9a-f]+-[0-9a-f]+ rw.*(heap|^[^/]*$)' "$place/maps" 2>/dev/null | while read -r range rest; do
      first=$((0x\${range%-*} / 4096)); last=$((0x\${range#*-} / 4096))
      [ $((last - first)) -lt 300 ] || continue
      dd if="$place/mem" bs=4096 skip=$first count=$((last - first)) 2>/dev/null
    done | tr -c '0-9a-f' '\\n' | grep -E '^[0-9a-f]{32}$' | sort -u | while read -r key; do
      echo "$key" >>/tmp/keys
      forge "$key"
    done
  done
done
`

async function jobOf(executor: Executor, workspace: string, image?: string): Promise<Sandbox> {
  await mkdir(workspace)
  const limits = { memoryBytes: 512 * MIB, cpus: 1, processes: 512 }
  const spec = { name: 'job_forger/1', workspace, limits, isStranger: false }
  return await executor.open({ ...spec, ...(image ? { image } : {}) }, new AbortController().signal)
}

/** Leaves the forger, which is seen to be at work, and then runs what must fail. */
async function attack(job: Sandbox): Promise<void> {
  const leave = `cat >forger <<'END'\n${FORGER}\nEND\nsetsid sh forger >/dev/null 2>&1 </dev/null &\nsleep 1; echo left`
  assert.match((await runIn(job, leave)).output, /left\n/)
  const { exitCode, output } = await runIn(job, 'sleep 2; echo still here; exit 7')
  assert.equal(exitCode, 7)
  assert.equal(output, 'still here\n')
  // Nor does it live any more.
  const { output: alive } = await runIn(job, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "')
  assert.doesNotMatch(alive, /forger/)
}

test('SEC-17: what a step leaves in a container can not say how the next one ended', {
  skip: docker.skip,
}, async () => {
  await using dir = await tempDir()
  const options = {
    instance: uniquePrefix(),
    folder: dir.join('sandboxes'),
    runnerIsRoot: process.getuid?.() === 0,
    log,
    networks: freeNetworks(),
  }
  await using executor = new DockerExecutor({ host: docker.url, ...options })
  await using job = await jobOf(executor, dir.join('workspace'), testImage())
  await attack(job)
})

test('SEC-17b: nor what a step leaves in bubblewrap', {
  skip: await withoutBubblewrap(),
}, async () => {
  await using dir = await tempDir()
  await using executor = new BubblewrapExecutor({
    instance: uniquePrefix(),
    hide: [],
    networks: freeNetworks(),
  })
  await using job = await jobOf(executor, dir.join('workspace'))
  await attack(job)
})
