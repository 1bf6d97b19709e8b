import { parentPort } from 'node:worker_threads'
import { parsePipelineFile } from '../contract/pipeline-file/parse-pipeline-file.ts'
import type { PlanFacts } from '../core/plan-facts.ts'

/** The thread of `PipelineFileParser`: says once that it is ready, then answers each text. */
parentPort?.on('message', ({ text, facts }: { text: string; facts?: PlanFacts }) =>
  parentPort?.postMessage(parsePipelineFile(text, facts)),
)
parentPort?.postMessage('ready')
