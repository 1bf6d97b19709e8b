import { isMainThread } from 'node:worker_threads'

/**
 * `node --import …/crash-at.js …/main.js …`: a Narwhal that kills itself at one moment. Each point
 * that it passes is a line of the file CRASH_POINTS_FILE; at number CRASH_AT (from 1) it is over, as
 * abruptly as by kill -9. Without CRASH_AT the points are only told. Threads, such as the one that
 * keeps a dispatcher's seat, are left alone.
 */
if (isMainThread) {
  const { countPoints } = await import('./count-points.ts')
  await countPoints({ command: process.argv[2], env: process.env })
}
