/** Database hosts of a region. The text is the same whatever the description: all that differs are its variables. Written as `terraform fmt` writes it. */
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
    aws    = { source = "hashicorp/aws" }
    random = { source = "hashicorp/random" }
  }
}

locals {
  replicas = merge([
    for host, size in var.hosts : {
      for number in range(1, size.replicas + 1) : "\${host}-read-\${number}" => merge(size, { host = host })
    }
  ]...)
}

# Of the masters: what RDS manages by itself cannot have replicas.
resource "random_password" "masters" {
  for_each = var.hosts
  length   = 40
  special  = false
}

resource "aws_secretsmanager_secret" "masters" {
  for_each = var.hosts
  name     = "\${var.name}/\${each.key}/master"
}

resource "aws_secretsmanager_secret_version" "masters" {
  for_each      = var.hosts
  secret_id     = aws_secretsmanager_secret.masters[each.key].id
  secret_string = random_password.masters[each.key].result
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
  password                     = random_password.masters[each.key].result
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
  max_allocated_storage      = each.value.gb * 4
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
  value = { for host, secret in aws_secretsmanager_secret.masters : host => secret.arn }
}
`
