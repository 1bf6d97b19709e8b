import { parentPort } from 'node:worker_threads'
import { parsePipelineFile } from '../contract/pipeline-file/parse-pipeline-file.ts'

/** The thread of `PipelineFileParser`: says once that it is ready, then answers each text. */
parentPort?.on('message', (text: string) => parentPort?.postMessage(parsePipelineFile(text)))
parentPort?.postMessage('ready')
