/**
 * The modules: the same text whatever the description, since all that differs are their variables.
 * Written as `terraform fmt` writes it.
 */
export const REGION_MODULE = `variable "name" { type = string }
variable "network" { type = object({ vpc_id = string, subnet_ids = list(string), client_security_group_ids = list(string) }) }
variable "client_cidrs" { type = list(string) }
variable "zone_id" { type = string }
variable "domain" { type = string }
variable "deletion_protection" { type = bool }
variable "is_home" { type = bool }
variable "hosts" {
  type = map(object({ class = string, gb = number, replicas = number, max_connections = number }))
}

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

locals {
  replicas = merge([
    for host, size in var.hosts : {
      for number in range(1, size.replicas + 1) : "\${host}-read-\${number}" => merge(size, { host = host })
    }
  ]...)
}

resource "aws_db_subnet_group" "hosts" {
  name       = "\${var.name}-hosts"
  subnet_ids = var.network.subnet_ids
}

resource "aws_security_group" "hosts" {
  name   = "\${var.name}-hosts"
  vpc_id = var.network.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "nodes" {
  count                        = length(var.network.client_security_group_ids)
  security_group_id            = aws_security_group.hosts.id
  referenced_security_group_id = var.network.client_security_group_ids[count.index]
  ip_protocol                  = "tcp"
  from_port                    = 3306
  to_port                      = 3306
}

# Processes of every region ask every host.
resource "aws_vpc_security_group_ingress_rule" "regions" {
  count             = length(var.client_cidrs)
  security_group_id = aws_security_group.hosts.id
  cidr_ipv4         = var.client_cidrs[count.index]
  ip_protocol       = "tcp"
  from_port         = 3306
  to_port           = 3306
}

resource "aws_db_parameter_group" "hosts" {
  for_each = var.hosts
  name     = "\${var.name}-\${each.key}"
  family   = "mariadb10.11"

  parameter {
    name  = "innodb_flush_log_at_trx_commit"
    value = "1"
  }

  parameter {
    name  = "sync_binlog"
    value = "1"
  }

  parameter {
    name  = "character_set_server"
    value = "utf8mb4"
  }

  parameter {
    name         = "max_connections"
    value        = each.value.max_connections
    apply_method = "pending-reboot"
  }

  parameter {
    name         = "table_open_cache"
    value        = "8000"
    apply_method = "pending-reboot"
  }
}

resource "aws_db_instance" "hosts" {
  for_each                     = var.hosts
  identifier                   = "\${var.name}-\${each.key}"
  engine                       = "mariadb"
  engine_version               = "10.11"
  instance_class               = each.value.class
  allocated_storage            = each.value.gb
  max_allocated_storage        = each.value.gb * 4
  storage_type                 = "gp3"
  storage_encrypted            = true
  multi_az                     = true
  username                     = "master"
  manage_master_user_password  = true
  db_subnet_group_name         = aws_db_subnet_group.hosts.name
  vpc_security_group_ids       = [aws_security_group.hosts.id]
  parameter_group_name         = aws_db_parameter_group.hosts[each.key].name
  backup_retention_period      = 14
  backup_window                = "02:00-03:00"
  maintenance_window           = "sun:04:00-sun:05:00"
  copy_tags_to_snapshot        = true
  deletion_protection          = var.deletion_protection
  skip_final_snapshot          = false
  final_snapshot_identifier    = "\${var.name}-\${each.key}-final"
  performance_insights_enabled = true
  auto_minor_version_upgrade   = true
  apply_immediately            = false
  tags                         = { feedctl = each.key, catalog = var.is_home && each.key == "default" ? "yes" : "no" }
}

resource "aws_db_instance" "replicas" {
  for_each                   = local.replicas
  identifier                 = "\${var.name}-\${each.key}"
  replicate_source_db        = aws_db_instance.hosts[each.value.host].identifier
  instance_class             = each.value.class
  parameter_group_name       = aws_db_parameter_group.hosts[each.value.host].name
  vpc_security_group_ids     = [aws_security_group.hosts.id]
  storage_encrypted          = true
  auto_minor_version_upgrade = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = true
}

resource "aws_route53_record" "hosts" {
  for_each = aws_db_instance.hosts
  zone_id  = var.zone_id
  name     = "\${each.key}.\${var.domain}"
  type     = "CNAME"
  ttl      = 30
  records  = [each.value.address]
}

resource "aws_route53_record" "replicas" {
  for_each = aws_db_instance.replicas
  zone_id  = var.zone_id
  name     = "\${each.key}.\${var.domain}"
  type     = "CNAME"
  ttl      = 30
  records  = [each.value.address]
}

output "hosts" {
  value = { for host, instance in aws_db_instance.hosts : host => instance.address }
}

output "master_secrets" {
  value = { for host, instance in aws_db_instance.hosts : host => instance.master_user_secret[0].secret_arn }
}
`

export const HOME_MODULE = `variable "name" { type = string }
variable "network" { type = object({ vpc_id = string, subnet_ids = list(string), client_security_group_ids = list(string) }) }
variable "client_cidrs" { type = list(string) }
variable "domain" { type = string }
variable "other_networks" { type = map(string) }
variable "redis_class" { type = string }
variable "replica_regions" { type = list(string) }
variable "more_secrets" { type = list(string) }
variable "media_keys" {
  type      = object({ id = string, secret = string })
  sensitive = true
}

terraform {
  required_providers {
    aws    = { source = "hashicorp/aws" }
    random = { source = "hashicorp/random" }
  }
}

# Names of databases, seen from the networks of all regions.
resource "aws_route53_zone" "private" {
  name = var.domain

  vpc {
    vpc_id = var.network.vpc_id
  }

  dynamic "vpc" {
    for_each = var.other_networks
    content {
      vpc_region = vpc.key
      vpc_id     = vpc.value
    }
  }
}

resource "random_password" "database" {
  length  = 40
  special = false
}

resource "random_password" "redis" {
  length  = 40
  special = false
}

resource "random_password" "media_key" {
  length  = 40
  special = false
}

resource "aws_elasticache_subnet_group" "redis" {
  name       = "\${var.name}-redis"
  subnet_ids = var.network.subnet_ids
}

resource "aws_security_group" "redis" {
  name   = "\${var.name}-redis"
  vpc_id = var.network.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "nodes" {
  count                        = length(var.network.client_security_group_ids)
  security_group_id            = aws_security_group.redis.id
  referenced_security_group_id = var.network.client_security_group_ids[count.index]
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

resource "aws_vpc_security_group_ingress_rule" "regions" {
  count             = length(var.client_cidrs)
  security_group_id = aws_security_group.redis.id
  cidr_ipv4         = var.client_cidrs[count.index]
  ip_protocol       = "tcp"
  from_port         = 6379
  to_port           = 6379
}

# Queues must not lose keys: what does not fit is refused.
resource "aws_elasticache_parameter_group" "redis" {
  name   = "\${var.name}-redis"
  family = "redis7"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  parameter {
    name  = "reserved-memory-percent"
    value = "30"
  }
}

resource "aws_elasticache_replication_group" "redis" {
  replication_group_id       = "\${var.name}-redis"
  description                = "queues, caches and sessions of feedctl"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = var.redis_class
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  multi_az_enabled           = true
  parameter_group_name       = aws_elasticache_parameter_group.redis.name
  subnet_group_name          = aws_elasticache_subnet_group.redis.name
  security_group_ids         = [aws_security_group.redis.id]
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  auth_token                 = random_password.redis.result
  snapshot_retention_limit   = 7
  snapshot_window            = "01:00-02:00"
  apply_immediately          = false
}

resource "aws_secretsmanager_secret" "settings" {
  name = "\${var.name}/settings"

  dynamic "replica" {
    for_each = toset(var.replica_regions)
    content {
      region = replica.value
    }
  }
}

# Further ones are added by hand: the value of this version is not looked at again.
resource "aws_secretsmanager_secret_version" "settings" {
  secret_id = aws_secretsmanager_secret.settings.id
  secret_string = jsonencode(merge(
    {
      DB_PASSWORD       = random_password.database.result
      REDIS_URL         = "rediss://:\${random_password.redis.result}@\${aws_elasticache_replication_group.redis.primary_endpoint_address}:6379"
      FEEDCTL_MEDIA_KEY = random_password.media_key.result
    },
    var.media_keys == null ? {} : {
      WASABI_ACCESS_KEY_ID     = var.media_keys.id
      WASABI_SECRET_ACCESS_KEY = var.media_keys.secret
    },
    { for name in var.more_secrets : name => "" },
  ))

  lifecycle {
    ignore_changes = [secret_string]
  }
}

output "zone_id" {
  value = aws_route53_zone.private.zone_id
}

output "settings_secret" {
  value = aws_secretsmanager_secret.settings.arn
}
`

export const BUCKET_MODULE = `variable "bucket" { type = string }
variable "prefix" { type = string }
variable "distribution_arn" { type = string }
variable "has_cdn" { type = bool }

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

resource "aws_s3_bucket" "media" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "media" {
  bucket                  = aws_s3_bucket.media.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "media" {
  bucket = aws_s3_bucket.media.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# Parts of uploads that nobody finished.
resource "aws_s3_bucket_lifecycle_configuration" "media" {
  bucket = aws_s3_bucket.media.id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 14
    }
  }
}

data "aws_iam_policy_document" "cdn" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["\${aws_s3_bucket.media.arn}/\${var.prefix}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "AWS:SourceArn"
      values   = [var.distribution_arn]
    }
  }
}

resource "aws_s3_bucket_policy" "cdn" {
  count  = var.has_cdn ? 1 : 0
  bucket = aws_s3_bucket.media.id
  policy = data.aws_iam_policy_document.cdn.json
}

resource "aws_iam_user" "feedctl" {
  name = "\${var.bucket}-feedctl"
}

data "aws_iam_policy_document" "feedctl" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["\${aws_s3_bucket.media.arn}/*"]
  }

  statement {
    actions   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads", "s3:GetBucketPolicyStatus"]
    resources = [aws_s3_bucket.media.arn]
  }
}

resource "aws_iam_user_policy" "feedctl" {
  name   = "media"
  user   = aws_iam_user.feedctl.name
  policy = data.aws_iam_policy_document.feedctl.json
}

resource "aws_iam_access_key" "feedctl" {
  user = aws_iam_user.feedctl.name
}

output "bucket" {
  value = { id = aws_s3_bucket.media.id, domain = aws_s3_bucket.media.bucket_regional_domain_name }
}

output "keys" {
  value     = { id = aws_iam_access_key.feedctl.id, secret = aws_iam_access_key.feedctl.secret }
  sensitive = true
}
`
