/** What is at home only: Redis, private names of databases, the secret that External Secrets reads. */
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
