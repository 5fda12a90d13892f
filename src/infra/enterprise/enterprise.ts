import type { Deployment } from '../description/schema.js'
import type { RenderedFile } from '../files.js'
import { dockerfile } from './dockerfile.js'
import { manifests } from './kubernetes/manifests.js'
import { terraformFiles } from './terraform/terraform.js'

/** Every file of phase Enterprise. */
export function enterpriseFiles(deployment: Deployment): RenderedFile[] {
  return [dockerfile(), ...manifests(deployment), ...terraformFiles(deployment)]
}
