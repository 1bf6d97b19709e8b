import type { Seeded } from './seed.ts'

/** A page of the seeded Narwhal. */
export interface Shot {
  readonly name: string
  readonly path: string
  /** What must be there before the picture is taken. */
  readonly see: string
}

/** Each page once. */
export function shotsOf({ failed, running, repository }: Seeded): Shot[] {
  return [
    { name: 'pipelines', path: '/', see: '.row' },
    { name: 'pipeline', path: `/pipelines/${failed}`, see: '.graph .node' },
    { name: 'pipeline-time', path: `/pipelines/${failed}?view=time`, see: '.span' },
    { name: 'pipeline-config', path: `/pipelines/${failed}?view=config`, see: '.config' },
    { name: 'running', path: `/pipelines/${running}`, see: '.graph .node' },
    { name: 'queue', path: '/queue', see: '.row' },
    { name: 'runners', path: '/runners', see: '.chart canvas' },
    { name: 'repositories', path: '/repositories', see: '.row' },
    {
      name: 'repository',
      path: `/repositories/${encodeURIComponent(repository)}`,
      see: '.chart canvas',
    },
    { name: 'settings', path: '/settings', see: '.tokens' },
    { name: 'empty', path: '/?text=nothing+is+like+this', see: '.empty' },
  ]
}
