/** A project's path, `owner/name`, encoded as part of a URL. */
export function projectPath(project: string): string {
  return project.split('/').map(encodeURIComponent).join('/')
}
