/** The bucket of media, and the keys that feedctl has to it. */
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
  count = var.has_cdn ? 1 : 0

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
  policy = data.aws_iam_policy_document.cdn[0].json
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
