import type { Deployment } from './description/schema.js'
import { enterpriseFiles } from './enterprise/enterprise.js'
import { enterpriseReadme } from './enterprise/readme.js'
import type { RenderedFile } from './files.js'
import { scaleReadme } from './scale/readme.js'
import { scaleFiles } from './scale/scale.js'

export const RENDERED_PHASES = ['scale', 'enterprise'] as const
export type RenderedPhase = (typeof RENDERED_PHASES)[number]

/** Every file of the phase, its README first, then in the order of their paths; the same description gives the same bytes. */
export function renderFiles(phase: RenderedPhase, deployment: Deployment): RenderedFile[] {
  const render: Record<RenderedPhase, (of: Deployment) => RenderedFile[]> = { scale: scaleFiles, enterprise: enterpriseFiles }
  const files = render[phase](deployment).sort((a, b) => (a.path < b.path ? -1 : 1))
  return [{ scale: scaleReadme, enterprise: enterpriseReadme }[phase](deployment, files), ...files]
}
