import { join } from 'node:path'
import { cleanText } from '../../cli/terminal/clean-text.ts'
import { EXIT } from '../../cli/terminal/exit-code.ts'
import { loadConfig } from '../../config/config.ts'
import { readSurroundings } from '../../config/env.ts'
import { silentLog } from '../../lib/log.ts'
import {
  examineContainers,
  examineImages,
  type Finding,
} from '../../runner/doctor/examine-containers.ts'
import {
  examineEngines,
  examineLimits,
  examineNetwork,
} from '../../runner/doctor/examine-surroundings.ts'
import { engineHosts } from '../../runner/executor/open-executor.ts'
import { dataFolder, type Launch } from '../context.ts'

const SIGNS: Readonly<Record<Finding['state'], string>> = {
  works: 'works',
  better: 'could be better',
  missing: 'missing',
}

/** `narwhal doctor`: tries things in the data folder, on whose file system it depends. */
export async function runDoctor(launch: Launch): Promise<void> {
  const { io } = launch
  const { data, 'container-ids': first } = loadConfig(['data', 'container-ids'], launch.flags)
  const folder = join(dataFolder(launch, data), 'doctor')
  const containers = await examineContainers({ folder, ...(first > 0 && { firstId: first }) })
  const images = await examineImages()
  const isWorking = ![...containers, ...images].some(({ state }) => state === 'missing')
  const hasNamespace = process.getuid?.() !== 0 || first > 0
  const findings = [
    ...containers,
    ...images,
    ...(isWorking ? [examineLimits(hasNamespace), await examineNetwork(silentLog())] : []),
    ...(await examineEngines(engineHosts(readSurroundings()))),
  ]
  for (const { what, state, words } of findings) {
    io.stdout.write(`${what}: ${SIGNS[state]}: ${cleanText(words)}\n`)
  }
  if (findings.some(({ state }) => state === 'missing')) io.exit(EXIT.notSuccess)
}
