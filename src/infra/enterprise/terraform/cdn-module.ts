/** CloudFront in front of the bucket, for public links to media. */
export const CDN_MODULE = `variable "name" { type = string }
variable "alias" { type = string }
variable "prefix" { type = string }
variable "certificate_arn" { type = string }
variable "bucket" { type = object({ id = string, domain = string }) }

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

resource "aws_cloudfront_origin_access_control" "media" {
  name                              = "\${var.name}-media"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# Names of media are sums of their content, and never change; what a tenant deleted is gone a day later all the same.
resource "aws_cloudfront_cache_policy" "media" {
  name        = "\${var.name}-media"
  min_ttl     = 60
  default_ttl = 86400
  max_ttl     = 86400

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_gzip   = false
    enable_accept_encoding_brotli = false

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "media" {
  name = "\${var.name}-media"

  security_headers_config {
    content_type_options {
      override = true
    }

    content_security_policy {
      content_security_policy = "sandbox; default-src 'none'"
      override                = true
    }

    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }
  }
}

resource "aws_cloudfront_distribution" "media" {
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = "PriceClass_All"
  aliases         = [var.alias]

  origin {
    origin_id                = "media"
    domain_name              = var.bucket.domain
    origin_access_control_id = aws_cloudfront_origin_access_control.media.id
  }

  # Everything but media is not there.
  default_cache_behavior {
    target_origin_id           = "media"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = false
    cache_policy_id            = aws_cloudfront_cache_policy.media.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.media.id
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }
}

output "arn" {
  value = aws_cloudfront_distribution.media.arn
}

output "domain" {
  value = aws_cloudfront_distribution.media.domain_name
}
`
