import { join } from 'node:path'
import { cleanText } from '../../cli/terminal/clean-text.ts'
import { EXIT } from '../../cli/terminal/exit-code.ts'
import { loadConfig } from '../../config/config.ts'
import {
  examineContainers,
  examineImages,
  type Finding,
} from '../../runner/doctor/examine-containers.ts'
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
  const findings = [
    ...(await examineContainers({ folder, ...(first > 0 && { firstId: first }) })),
    ...(await examineImages()),
  ]
  for (const { what, state, words } of findings) {
    io.stdout.write(`${what}: ${SIGNS[state]}: ${cleanText(words)}\n`)
  }
  if (findings.some(({ state }) => state === 'missing')) io.exit(EXIT.notSuccess)
}
